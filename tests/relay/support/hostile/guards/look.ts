/** Plays worlds, for guards.ts: seed, how many at most, and the sentences that are not looked at. */
import type { Invariant } from "../invariants.ts";
import { playMany } from "../campaign.ts";

/** It is to be over before anybody loses patience. */
const MOST_MS = 180_000;

const [seed, most, ...ignored] = Deno.args;
const { found, worlds } = await playMany({
  seed: Number(seed),
  ms: MOST_MS,
  most: Number(most),
  ignored: new Set(ignored as Invariant[]),
  shrinkMs: 0,
});
if (found) console.log(`${found.invariant ?? "an error"} ${worlds}`);
