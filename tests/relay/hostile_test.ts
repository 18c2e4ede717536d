import assert from "node:assert/strict";
import { givenSeed } from "../support/finding.ts";
import { LONG } from "../support/long.ts";
import { playMany, playOne } from "./support/hostile/campaign.ts";
import { EXAMPLES } from "./support/hostile/examples.ts";
import { SIGHTS } from "./support/hostile/oracle/sights.ts";

const HOURS = Number(Deno.env.get("RELAY_TEST_HOURS") ?? 0);

/** The suite plays the same worlds each time; with RELAY_TEST_HOURS they are new ones. */
const SEED = givenSeed ?? (HOURS > 0 ? Date.now() % 1_000_000 : 1);
const MOST = HOURS > 0 ? Infinity : 8_000;

/** How long it plays, and the fewest worlds that count as having played. */
const SECONDS = HOURS > 0 ? HOURS * 3_600 : LONG ? 240 : 20;
const FLOOR = (LONG || HOURS > 0 ? 10 : 8) * SECONDS;

for (const [sentence, scenario] of Object.entries(EXAMPLES)) {
  Deno.test(`hostile: not so: ${sentence}`, async () => {
    assert.equal(await playOne(scenario), undefined);
  });
}

Deno.test(`hostile: ${SECONDS} s of worlds break no sentence (seed ${SEED})`, async () => {
  const { worlds, seen, found } = await playMany({ seed: SEED, ms: SECONDS * 1_000, most: MOST });
  const sights = SIGHTS.map((sight) => `${seen[sight]} ${sight}`).join(", ");
  console.log(`  seed ${SEED}: ${worlds} worlds; ${sights}`);
  if (found) throw new Error(found.text);
  assert.ok(worlds >= FLOOR, `only ${worlds} worlds were played, of at least ${FLOOR}`);
  for (const sight of SIGHTS) assert.ok(seen[sight] > 0, `no world came by this: ${sight}`);
});
