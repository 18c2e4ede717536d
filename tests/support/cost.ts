import assert from "node:assert/strict";

/** Far above what the clock and the loop themselves cost. */
const SLICE_MS = 2;

/** Looks beyond the first, where others who use this machine made one too dear. */
const ROUNDS = 200;

/** What costs that much is not looked at again; what is quadratic costs seconds. */
const HOPELESS_MS = 250;

/** Below it caches decide; what is quadratic costs a hundred times as much. */
const FREE_MS = 0.1;

/**
 * Asserts that 64,000 of the troubling character cost at most six times what 16,000 do, and those as
 * much more than 4,000: four is linear, sixteen quadratic. `read` makes the work for a text with so
 * many of them. Of several looks the cheapest counts.
 */
export function assertLinear(name: string, read: (count: number) => () => unknown): void {
  for (const count of [4_000, 16_000]) compare(name, [read(count), read(4 * count)]);
}

function compare(name: string, works: (() => unknown)[]): void {
  const loops = works.map((work) => Math.ceil(SLICE_MS / Math.max(timeOf(work, 1), 1e-3)));
  let [small, large] = works.map((work, index) => timeOf(work, loops[index]));
  const isDear = () => large > FREE_MS && large > 6 * small;
  for (let round = 1; round < ROUNDS && isDear() && large < HOPELESS_MS; round++) {
    small = Math.min(small, timeOf(works[0], loops[0]));
    large = Math.min(large, timeOf(works[1], loops[1]));
  }
  assert.ok(!isDear(), `${name}: ${small} ms, and ${large} ms for four times as much`);
}

/** Milliseconds of one call. */
function timeOf(work: () => unknown, loops: number): number {
  const start = performance.now();
  for (let n = 0; n < loops; n++) work();
  return (performance.now() - start) / loops;
}
