import assert from "node:assert/strict";
import { relayTransport, tableCatchUp } from "../../client/mod.ts";
import { edgeMissing } from "../support/edge/host.ts";
import type { EdgeWorker } from "../support/edge/worker.ts";
import { givenSeed, orFinding } from "../support/finding.ts";
import { type Click, type Figures, sum } from "./support/exactly_once/feed.ts";
import { printFigures } from "./support/exactly_once/figures.ts";
import { run } from "./support/exactly_once/run.ts";
import { plainTransport, type Stage, withStage } from "./support/exactly_once/stage.ts";
import { type Viewer, watch } from "./support/exactly_once/viewer.ts";
import { readClicks, writeClicks } from "./support/exactly_once/writers.ts";
import { LONG } from "../support/long.ts";

const ROWS = LONG ? 10_000 : 400;
const COUNTS = {
  "worker killed": LONG ? 20 : 1,
  "Realtime restarted": LONG ? 10 : 1,
  "connection reset": LONG ? 15 : 1,
  "connection silent": LONG ? 5 : 1,
  "Postgres killed": LONG ? 2 : 1,
};
const SLUGS = ["one", "two", "three"];
/** In seconds: a worker dies every few seconds, whatever else happens. */
const WALL_CLOCK = 5;
const SEED = givenSeed ?? 1;

/** Far above how long a transaction of these writers is open. */
const OVERLAP_MS = 5_000;

const HEARTBEAT_MS = 1_000;

/** Of the time that chance may make a transport wait, the part that it waits at most. */
const CHANCE = LONG ? 1 : 1 / 4;

const transportTo = (relay: string, token: string) =>
  relayTransport({
    ...{ relay, token: () => token, wallClockMs: WALL_CLOCK * 1000 },
    host: { random: () => CHANCE * Math.random() },
  });

/** Rows and broadcasts are read again from the table after each gap. */
function catchingUp(stage: Stage): Viewer {
  const { relay, token } = stage;
  const transport = transportTo(relay, token);
  const supabase = stage.client(transport);
  transport.catchUp(tableCatchUp(supabase, "url_clicks", {
    ...{ key: "id", time: "clicked_at", overlapMs: OVERLAP_MS },
    ...{ topic: "clicks:{slug}", event: "click", payload: ["id", "slug", "clicked_at"] },
  }));
  return watch("the transport, catching up", supabase, SLUGS);
}

/** Nothing can be read again but the few broadcasts that Realtime repeats. */
function reporting({ relay, token, client }: Stage): Viewer {
  const transport = transportTo(relay, token);
  return watch("the transport alone", client(transport), SLUGS);
}

/** Its heartbeats find a dead line sooner than the usual ones, every 25 s, would. */
const plain = (stage: Stage): Viewer =>
  watch("supabase-js alone", stage.client(plainTransport(stage), HEARTBEAT_MS), SLUGS);

/** What came of a viewer's Postgres Changes and of its broadcasts. */
const judge = ({ rows, broadcasts }: Viewer, table: Click[]): Figures[] => [
  rows.judge(table),
  sum(broadcasts.map((feed) => feed.judge(table))),
];

/** How many workers' lives were over. */
async function countEnded(workers: EdgeWorker[]): Promise<number> {
  const ends = workers.map(({ ended }) => Promise.race([ended, undefined]));
  return (await Promise.all(ends)).filter(Boolean).length;
}

Deno.test({
  name: `${ROWS} inserts reach supabase-js once and in order, whatever breaks${edgeMissing}`,
  ignore: edgeMissing !== "",
  async fn() {
    await withStage({ wallClock: WALL_CLOCK, slugs: SLUGS }, async (stage) => {
      const viewers = [catchingUp(stage), reporting(stage)];
      const yardstick = plain(stage);
      const all = [...viewers, yardstick];
      try {
        await Promise.all(all.map(({ ready }) => ready));
        const writers = { databaseUrl: stage.stack.info.DB_URL, slugs: SLUGS, seed: SEED };
        const total = await run({
          ...{ stage, viewers, yardstick, rows: ROWS, counts: COUNTS, seed: SEED },
          write: (writing) => writeClicks(writers, writing),
        });
        const table = (await readClicks(stage.sql)).slice(0, total);
        const figures = all.map((viewer) => judge(viewer, table));
        const ended = await countEnded(stage.host.workers);
        printFigures({ ...COUNTS, "worker's time over": ended }, all, figures);
        await orFinding(SEED, "once and in order", () => prove(figures, table.length));
        assertLossy(figures, table.length);
        assert.ok(ended > 0, "no worker lived to its end");
      } finally {
        all.forEach((viewer) => viewer.leave());
      }
    });
  },
});

function prove([caughtUp, reported]: Figures[][], rows: number): void {
  for (const { arrived, twice, late } of caughtUp) {
    assert.deepEqual({ arrived, twice, late }, { arrived: rows, twice: 0, late: 0 });
  }
  // Nothing is late in silence: what is replayed lies in a gap that was told.
  for (const { unreported, twice, untoldLate } of reported) {
    assert.deepEqual({ unreported, twice, untoldLate }, { unreported: 0, twice: 0, untoldLate: 0 });
  }
}

/** Else there was nothing to prove; which is chance, and no finding. */
function assertLossy([, , plain]: Figures[][], rows: number): void {
  for (const { arrived } of plain) assert.ok(arrived < rows, "these faults lose nothing");
}
