/**
 * A hostile world around the client: scripted Realtimes behind relays, a database, peers, clocks, a
 * `token()` and the real realtime-js, all in fake time. What the client promises is the table in
 * support/world/judge/invariants.ts. RELAY_TEST_CLIENT judges another client by its path,
 * RELAY_TEST_HOURS plays for longer.
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { finding, givenSeed } from "../support/finding.ts";
import { LONG } from "../support/long.ts";
import { clientAt, OLD } from "./support/world/client_at.ts";
import { INVARIANTS } from "./support/world/judge/invariants.ts";
import { type Outcome, play } from "./support/world/play.ts";
import { EXAMPLES } from "./support/world/script/examples.ts";
import { FOUND } from "./support/world/script/found.ts";
import { scripts } from "./support/world/script/generate.ts";
import { print, type Script } from "./support/world/script/script.ts";
import { shrink } from "./support/world/script/shrink.ts";

const client = await clientAt(Deno.env.get("RELAY_TEST_CLIENT") ?? "client/mod.ts");
const hours = Number(Deno.env.get("RELAY_TEST_HOURS") ?? 0);

/**
 * For how long worlds are played, how many there are on however slow a machine, and the first seed.
 * The suite plays the same worlds each time, so that a change is judged by what it changes; with
 * RELAY_TEST_HOURS they are new ones.
 */
const PLAN = {
  ms: hours * 3_600_000 || (LONG ? 300_000 : 20_000),
  floor: LONG || hours > 0 ? 5_000 : 400,
  most: hours > 0 ? Infinity : 5_500,
  seed: givenSeed ?? (hours > 0 ? Date.now() % 1_000_000 : 1),
};

/** Worlds of one seed, so that a finding is soon played again. */
const BATCH = 50;

for (const { sentence, script } of [...EXAMPLES, ...FOUND]) {
  Deno.test(`in the world in which it once failed: ${sentence}`, async () => {
    const { broken } = await play(client, script);
    assert.equal(broken && tell(broken, script), undefined);
  });
}

Deno.test("the world still finds what the client of November 2026 did wrong", async () => {
  const old = await clientAt(OLD);
  const found: Record<string, string | undefined> = {};
  for (const { sentence, script } of EXAMPLES) {
    found[sentence] = (await play(old, script)).broken?.name;
  }
  assert.deepEqual(found, Object.fromEntries(EXAMPLES.map((each) => [each.sentence, each.broke])));
});

Deno.test("whatever the world does, the client keeps its word", async () => {
  const first = PLAN.seed;
  const end = performance.now() + PLAN.ms;
  const sum = { worlds: 0, events: 0, faults: 0 };
  const isOver = () => performance.now() >= end || sum.worlds >= PLAN.most;
  for (let seed = first; !isOver() || sum.worlds < PLAN.floor; seed++) {
    for (const script of fc.sample(scripts, { seed, numRuns: BATCH })) {
      const outcome = await play(client, script);
      sum.worlds++;
      sum.events += outcome.events;
      sum.faults += outcome.faults;
      if (outcome.broken) throw new Error(await found(seed, script, outcome));
    }
  }
  const { worlds, events, faults } = sum;
  const per = (worlds / (PLAN.ms / 1000)).toFixed();
  console.log(`seed ${first}: ${worlds} worlds, ${events} events, ${faults} faults, ${per}/s`);
});

/** The message of a finding, with the smallest script that shows the same. */
async function found(seed: number, script: Script, { broken }: Outcome): Promise<string> {
  const fails = async (next: Script) => (await play(client, next)).broken?.name === broken!.name;
  const small = await shrink(script, fails);
  const now = (await play(client, small)).broken!;
  return finding(seed, tell(now, small));
}

function tell({ name, message }: NonNullable<Outcome["broken"]>, script: Script): string {
  return `${name}: ${message}\n  the promise: ${INVARIANTS[name].sentence}\n${print(script)}`;
}
