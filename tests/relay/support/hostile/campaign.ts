import fc from "fast-check";
import { finding } from "../../../support/finding.ts";
import { type Invariant, INVARIANTS, Violation } from "./invariants.ts";
import { play } from "./play.ts";
import { type Scenario, scenario } from "./script/arbitrary.ts";
import { show } from "./script/command.ts";
import { shrink } from "./script/shrink.ts";
import { ROOMY } from "./world/settings.ts";
import { type Sight, SIGHTS } from "./oracle/sights.ts";

export interface CampaignOptions {
  seed: number;
  /** How long it plays, in milliseconds of this machine. */
  ms: number;
  /** No more worlds than these, however much time is left. */
  most?: number;
  /** Sentences that are not looked at. */
  ignored?: ReadonlySet<Invariant>;
  /** How long a script that was found is made shorter. */
  shrinkMs?: number;
}

export interface Campaign {
  worlds: number;
  seen: Record<Sight, number>;
  /** What was found, with the seed that finds it again and its script; undefined where nothing was. */
  found: { invariant: Invariant | undefined; text: string; scenario: Scenario } | undefined;
}

/** Worlds of one seed: a finding is at most so many worlds away from its seed. */
const BATCH = 100;

/** A script that has not become shorter by then is short enough. */
const SHRINK_MS = 45_000;

/** Plays worlds until the time is up, or one breaks a sentence; then makes that one short. */
export async function playMany(
  { seed, ms, most = Infinity, ignored, shrinkMs = SHRINK_MS }: CampaignOptions,
): Promise<Campaign> {
  const end = Date.now() + ms;
  const seen = Object.fromEntries(SIGHTS.map((sight) => [sight, 0])) as Record<Sight, number>;
  let worlds = 0;
  for (let at = seed; Date.now() < end && worlds < most; at++) {
    const property = propertyOf(ignored, (sights) => {
      worlds++;
      for (const [sight, count] of Object.entries(sights)) seen[sight as Sight] += count;
    });
    const numRuns = Math.min(BATCH, most - worlds);
    const first = await fc.check(property, {
      seed: at,
      numRuns,
      endOnFailure: true,
      interruptAfterTimeLimit: end - Date.now(),
    });
    if (first.counterexample) {
      return {
        worlds,
        seen,
        found: await shorten(at, first.counterexample[0], first.errorInstance, shrinkMs),
      };
    }
  }
  return { worlds, seen, found: undefined };
}

/** Plays one world, known by heart; gives what is found. */
export async function playOne(given: Scenario): Promise<string | undefined> {
  return (await play(given)).violation?.message;
}

type Sights = Partial<Record<Sight, number>>;

const propertyOf = (ignored: ReadonlySet<Invariant> | undefined, played: (seen: Sights) => void) =>
  fc.asyncProperty(scenario, async (it: Scenario) => {
    const { violation, seen } = await play(it, ignored);
    played(seen);
    if (violation) throw violation;
  });

/** The same sentence, broken in as few words as are found in time; what is no sentence stays long. */
async function shorten(seed: number, long: Scenario, error: unknown, ms: number) {
  if (!(error instanceof Violation)) return foundOf(seed, undefined, error, long);
  const { invariant } = error;
  const others = new Set((Object.keys(INVARIANTS) as Invariant[]).filter((it) => it !== invariant));
  const broken = async (it: Scenario) => (await play(it, others)).violation;
  const short = await shrink(long, async (it) => await broken(it) !== undefined, ms);
  return foundOf(seed, invariant, await broken(short), short);
}

const foundOf = (seed: number, invariant: Invariant | undefined, error: unknown, it: Scenario) => ({
  invariant,
  text: finding(seed, `${messageOf(error)}\n${print(it)}`),
  scenario: it,
});

const messageOf = (error: unknown) =>
  error instanceof Violation ? error.message : String((error as Error)?.stack ?? error);

/** The script, a command a line; of the settings what is not as in a roomy world. */
function print({ settings, script }: Scenario): string {
  const odd = Object.entries(settings)
    .filter(([name, value]) => ROOMY[name as keyof typeof ROOMY] !== value)
    .map(([name, value]) => `${name}=${value}`);
  return [`  world ${odd.join(" ")}`, ...script.map((it) => `  ${show(it)}`)].join("\n");
}
