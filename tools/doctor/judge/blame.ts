/** One server on the way from the browser to Realtime. */
export const HOPS = ["the front", "the gateway", "Realtime"] as const;
export type HopName = typeof HOPS[number];

/**
 * What became of asking a hop by itself. `fails`: it answered, and badly. `unasked`: not told to, or
 * not reached from here, which says nothing about it.
 */
export type Asked = "well" | "fails" | "unasked";

export interface Hop {
  name: HopName;
  asked: Asked;
  /** Whether its answer is in Realtime's own words, about Realtime: then all before passed it on. */
  byRealtime?: boolean;
}

/**
 * The hop that breaks it: of those with evidence against them the nearest to Realtime, as what fails
 * behind fails before as well. Where a hop between it and the next one that is well was not asked,
 * nobody knows which of the two it is. `hops` are in the order of HOPS, and the first one fails.
 */
export function blame(hops: readonly Hop[]): string {
  const last = hops.findLastIndex(({ asked }) => asked === "fails");
  if (last < 0) throw new Error("Blame: got no hop that fails, wants one.");
  const { name, byRealtime } = hops[last];
  const next = hops.findIndex(({ asked }, index) => index > last && asked === "well");
  if (next >= 0) {
    const isNext = HOPS.indexOf(hops[next].name) === HOPS.indexOf(name) + 1;
    return isNext ? name : `unknown between ${name} and ${hops[next].name}`;
  }
  return byRealtime ? "Realtime" : name;
}
