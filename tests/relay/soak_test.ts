/** A crowd comes and goes; what it took is given back. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { givenSeed } from "../support/finding.ts";
import { LONG } from "../support/long.ts";
import { canMeasureMemory } from "../support/memory.ts";
import { nodeHost, nodeMissing } from "../support/node_host.ts";
import { type Host, hosts } from "../support/relay_host.ts";
import type { RelayOptions } from "../support/served_relay.ts";
import { soak, type SoakPlan } from "./support/soak/soak.ts";

const SEED = givenSeed ?? Date.now() % 1_000_000;

const PLAN: SoakPlan = LONG
  ? {
    ...{ sockets: 2_000, meanMs: 30_000, leaveInDial: true, seed: SEED },
    ...{ warmUpMs: 120_000, ms: 180_000, lookMs: 2_000 },
  }
  : {
    ...{ sockets: 60, meanMs: 1_000, leaveInDial: false, seed: SEED },
    ...{ warmUpMs: 1_000, ms: 3_000, lookMs: 500 },
  };

/**
 * What memory may have grown to, over what it was behind the warm-up. On a quiet machine it is 3 %; on a
 * full one messages that are under way, code that V8 compiles and blocks that malloc splits are a tenth.
 */
const FLAT = 1.15;
const MEASURES = ["heap", "resident"] as const;

const pathOf = (file: string) => fileURLToPath(new URL(`support/soak/${file}`, import.meta.url));

const onDeno: RelayOptions = {
  entry: [pathOf("observed.ts")],
  permissions: ["--allow-net", "--allow-env", "--v8-flags=--expose-gc"],
};

const observedNode: Host = {
  ...nodeHost,
  instead: nodeHost.instead && [
    nodeHost.instead[0],
    ...["--expose-gc", "--require", pathOf("observed.cjs")],
    ...nodeHost.instead.slice(1),
  ],
};

const shape = `${PLAN.sockets} sockets come and go for ${(PLAN.warmUpMs + PLAN.ms) / 1_000} s`;
const flat = LONG && canMeasureMemory;
const rest = flat ? "memory is flat, " : "";
const leftOut = flat ? "" : " (memory is compared in the long run, with 2,000)";

for (const [host, options] of [[hosts[0], onDeno], [observedNode, {}]] as const) {
  const isHere = host !== observedNode || nodeMissing === "";
  const missing = !isHere ? nodeMissing : LONG ? "" : " (skipped: RELAY_TEST_LONG=1 runs it)";
  Deno.test({
    name: `${host.name}: ${shape}, ${rest}every place comes back${missing || leftOut}`,
    ignore: missing !== "",
    async fn() {
      const { lives, memory: [first, last] } = await soak(host, PLAN, options);
      const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
      const told = MEASURES.map((name) => `${name} ${mb(first[name])} to ${mb(last[name])} MB`)
        .concat(`at ${first.sockets} and ${last.sockets} sockets`);
      console.log(`  seed ${SEED}: ${JSON.stringify(lives)}; ${told.join(", ")}`);
      const { late = 0, ...kinds } = lives;
      assert.equal(Object.keys(kinds).length, 7, "somebody of each kind came");
      const all = Object.values(kinds).reduce((sum, count) => sum + count);
      assert.ok(all >= PLAN.sockets && late < all / 10, `${all} came, ${late} in vain`);
      if (!flat) return;
      for (const name of MEASURES) {
        assert.ok(last[name] < first[name] * FLAT, `${name} grew: ${told.join(", ")}`);
      }
    },
  });
}
