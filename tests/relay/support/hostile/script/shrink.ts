import { ROOMY, type Settings } from "../world/settings.ts";
import type { Scenario } from "./arbitrary.ts";
import type { Command } from "./command.ts";

/** Whether a scenario still shows what is looked for. */
export type Shows = (scenario: Scenario) => Promise<boolean>;

/**
 * The same finding in as few words as are found in `ms`: commands are taken out, by halves, then
 * quarters, then one by one; settings become roomy; numbers become small; and all of it again until
 * nothing helps. A general shrinker, which goes through one command's values before it takes out
 * the next, leaves ten times as many in the same time.
 */
export async function shrink(long: Scenario, shows: Shows, ms: number): Promise<Scenario> {
  const end = Date.now() + ms;
  let best = long;
  const take = async (next: Scenario) => {
    if (Date.now() >= end || !await shows(next)) return false;
    best = next;
    return true;
  };
  let before: Scenario;
  do {
    before = best;
    await fewer(() => best, take);
    for (const next of roomier(best.settings)) {
      await take({ ...best, settings: { ...best.settings, ...next } });
    }
    for (let at = 0; at < best.script.length; at++) {
      for (const [name, smaller] of smallerNumbers(best.script[at])) {
        await take({
          ...best,
          script: best.script.with(at, { ...best.script[at], [name]: smaller } as Command),
        });
      }
    }
  } while (before !== best);
  return best;
}

type Take = (next: Scenario) => Promise<boolean>;

/** Takes out runs of commands, from the last one on: what comes later is less often needed. */
async function fewer(best: () => Scenario, take: Take): Promise<void> {
  for (let size = best().script.length >> 1 || 1; size >= 1; size >>= 1) {
    for (let at = best().script.length - size; at >= 0; at -= size) {
      await take({ ...best(), script: best().script.toSpliced(at, size) });
    }
  }
}

/** Each setting as it is in a roomy world, one at a time. */
const roomier = (settings: Settings): Partial<Settings>[] =>
  Object.entries(ROOMY)
    .filter(([name, value]) => settings[name as keyof Settings] !== value)
    .map(([name, value]) => ({ [name]: value }));

/** Numbers that are names. */
const NAMES = ["vsn", "code"];

/** What may not be nought. */
const DIVISORS = ["perSecond", "topics"];

/** A command's numbers, each nought, one, or half of what it is. */
const smallerNumbers = (command: Command): [string, number][] =>
  Object.entries(command).flatMap(([name, value]) => {
    if (typeof value !== "number" || NAMES.includes(name)) return [];
    const least = DIVISORS.includes(name) ? 1 : 0;
    return [...new Set([least, 1, value >> 1])]
      .filter((it) => it >= least && it < value)
      .map((it): [string, number] => [name, it]);
  });
