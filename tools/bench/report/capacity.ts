import type { Row } from "../samples.ts";

/** What one worker spends, in µs of CPU. */
export interface Costs {
  start: number;
  setUp: number;
  delivery: number;
}

/** Edge Functions: from here on a worker takes no new sockets. */
const SOFT_LIMIT_US = 1_000_000;
const VIEWERS = [10, 50, 100, 250, 500];

/** How many changes a worker sends to so many viewers before it has spent its CPU. */
export function changesFor(viewers: number, { start, setUp, delivery }: Costs): number {
  const left = SOFT_LIMIT_US - start - viewers * setUp;
  return Math.max(0, Math.floor(left / (viewers * delivery)));
}

/** Whose sockets: viewers who share, with clients of either kind, or users. */
export type Kind = "viewers" | "batching" | "users";

const HUB = "this relay, shared";

/** The costs on the Deno that Edge Runtime follows; undefined where they were not measured. */
export function costsOf(rows: readonly Row[], kind: Kind): Costs | undefined {
  const median = (scenario: string, peer: string) =>
    rows.find((row) => row.scenario === scenario && row.peer === `${peer} (Deno 2.1.4)`)?.figure
      .median;
  const own = "this relay";
  const hub = kind === "batching" ? `${HUB}, in batches` : HUB;
  const start = median("cold start to the first socket, CPU", own);
  const setUp = kind === "users"
    ? median("set-up of a socket", own)
    : median("set-up of a viewer and its join, 1000 viewers", hub);
  const deliveries = {
    users: ["text 300 B, 1000 sockets", own],
    viewers: ["delivery of text 300 B, 1000 viewers", hub],
    batching: ["delivery of text 300 B, 20 rows a commit, 1000 viewers", hub],
  };
  const [scenario, peer] = deliveries[kind];
  const delivery = median(scenario, peer);
  if (start === undefined || setUp === undefined || delivery === undefined) return undefined;
  return { start: start * 1000, setUp, delivery };
}

/** For docs/DEPLOY.md: changes in the life of a worker. */
export function capacityTable(shared: Costs, batching: Costs, own: Costs): string {
  const rows = VIEWERS.map((viewers) =>
    `| ${viewers} | ${[shared, batching, own].map((it) => changesFor(viewers, it)).join(" | ")} |`
  );
  const us = (value: number) => `${Math.round(value)} µs`;
  const tenths = (value: number) => `${value.toFixed(1)} µs`;
  return [
    "| sockets of a worker | changes, anonymous viewers who share | the same in batches, 20 rows a commit | changes, users |",
    "| --: | --: | --: | --: |",
    ...rows,
    "",
    `That is 1 s, less ${us(shared.start / 1000).replace("µs", "ms")} for the start, a set-up of ` +
    `${us(shared.setUp)} a viewer or ${us(own.setUp)} a user, and ${us(shared.delivery)}, ` +
    `${tenths(batching.delivery)} or ${us(own.delivery)} for each delivery of 300 bytes, as the ` +
    "bench measures them on Deno 2.1.4. Clients that negotiate `realtime-relay.v2` take batches.",
  ].join("\n");
}
