/** By row broadcasts and messageCatchUp() alone: every change of each row, whatever breaks. */
import assert from "node:assert/strict";
import { messageCatchUp, relayTransport } from "../../client/mod.ts";
import { edgeMissing } from "../support/edge/host.ts";
import { givenSeed, orFinding } from "../support/finding.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { type Figures, sum } from "./support/exactly_once/feed.ts";
import { printFigures } from "./support/exactly_once/figures.ts";
import { run } from "./support/exactly_once/run.ts";
import { plainTransport, type Stage, withStage } from "./support/exactly_once/stage.ts";
import { ROOMS, rowsIn, sentTo, TABLE, topicOf, WRITE } from "./support/row_changes/table.ts";
import { type RoomsViewer, watchRooms } from "./support/row_changes/viewer.ts";
import { writeOrders } from "./support/row_changes/writers.ts";

const CHANGES = LONG ? 10_000 : 300;
const COUNTS = {
  "worker killed": LONG ? 4 : 1,
  "Realtime restarted": LONG ? 3 : 1,
  "connection reset": LONG ? 4 : 1,
  "connection silent": 1,
  "Postgres killed": LONG ? 2 : 0,
};
/** Of a worker, in seconds. */
const WALL_CLOCK = 5;
/** Below the half minute that is promised. */
const LONG_MS = LONG ? 10_000 : 1_000;
const MISSED = LONG ? 5_000 : 300;
const HOUR_MS = 3_600_000;
const SEED = givenSeed ?? 1;
const LAST_MS = 60_000;
const HEARTBEAT_MS = 1_000;
/** Of the time that chance may make a transport wait, the part that it waits at most. */
const CHANCE = LONG ? 1 : 1 / 4;

/** Whose clock may be moved, and whose reads are counted. */
interface Catching extends RoomsViewer {
  ahead: number;
  answers: number;
  retry(): void;
}

function catchingUp({ relay, token, client }: Stage): Catching {
  const moved = { ahead: 0, answers: 0, retry: () => transport.retry() };
  const transport = relayTransport({
    ...{ relay, token: () => token, wallClockMs: WALL_CLOCK * 1000 },
    host: { random: () => CHANCE * Math.random(), now: () => Date.now() + moved.ahead },
  });
  const supabase = client(transport);
  const timed = Promise.withResolvers<void>();
  const reader = {
    rpc: (name: string, args: Record<string, unknown>) => ({
      async abortSignal(signal: AbortSignal) {
        const answer = await supabase.rpc(name, args).abortSignal(signal);
        if (++moved.answers === ROOMS.length) setTimeout(timed.resolve);
        return answer;
      },
    }),
  };
  transport.catchUp(messageCatchUp(reader, { databaseOnly: true }));
  const viewer = watchRooms("the transport, catching up", supabase);
  // A gap is read from a time of the server's: each channel has asked for that once it is joined.
  const ready = Promise.all([viewer.ready, timed.promise]);
  return Object.assign(moved, viewer, { ready });
}

const missing = edgeMissing || (LONG ? "" : " (skipped: RELAY_TEST_LONG=1 runs it)");

Deno.test({
  name:
    `${CHANGES} changes of rows, and ${MISSED} in an hour's absence, come once and in each row's ` +
    `order, and make the table${missing}`,
  ignore: missing !== "",
  async fn(test) {
    await withStage({ wallClock: WALL_CLOCK, slugs: ["one"] }, async (stage) => {
      await stage.sql.unsafe(TABLE + WRITE);
      const viewer = catchingUp(stage);
      const yardstick = watchRooms(
        "supabase-js alone",
        stage.client(plainTransport(stage), HEARTBEAT_MS),
      );
      try {
        await Promise.all([viewer.ready, yardstick.ready]);
        await test.step("while much breaks", () => breaks(stage, viewer, yardstick));
        yardstick.leave();
        await test.step("in an hour's absence", () => absent(stage, viewer));
      } finally {
        viewer.leave();
        yardstick.leave();
      }
    });
  },
});

async function breaks(stage: Stage, viewer: Catching, yardstick: RoomsViewer): Promise<void> {
  const writers = { databaseUrl: stage.stack.info.DB_URL, seed: SEED, writers: 4, longMs: LONG_MS };
  await run({
    ...{ stage, viewers: [viewer], yardstick, rows: CHANGES, counts: COUNTS, seed: SEED },
    write: (writing) => writeOrders(writers, writing),
  });
  await sendNumber(stage, 0);
  await markAll(stage, viewer, "end");
  const figures = await Promise.all([viewer, yardstick].map((each) => judge(stage, each)));
  printFigures(COUNTS, [viewer, yardstick], figures.map((one) => [one]), ["row broadcasts"]);
  await orFinding(SEED, "once, in each row's order, and the table", async () => {
    assertAll(figures[0]);
    await assertIsTable(stage, viewer);
  });
  // Else there was nothing to prove; which is chance, and no finding.
  assert.ok(figures[1].arrived < figures[1].expected, "these faults lose nothing");
}

/** The machine sleeps, and wakes to 5,000 changes of one room. */
async function absent(stage: Stage, viewer: Catching): Promise<void> {
  const { proxy, host, sql } = stage;
  const [room] = ROOMS;
  const [stream] = viewer.streams;
  proxy.lead("127.0.0.1:1");
  assert.ok(proxy.cut("reset") > 0);
  const had = stream.changes.length;
  for (let written = 0; written < MISSED; written += 100) {
    await sql`
      insert into public.orders
      select 1000 + n, ${room}, ${`missed ${written}`} from generate_series(1, 100) as n
      on conflict (id) do update set state = excluded.state`;
  }
  await sendNumber(stage, 1);
  viewer.ahead = HOUR_MS;
  viewer.answers = 0;
  proxy.lead(host.address);
  viewer.retry();
  await markAll(stage, viewer, "back");
  await orFinding(SEED, "once, in each row's order, and the table, after an hour", async () => {
    assert.equal(stream.changes.length, had + MISSED + 1);
    for (const { numbers, shapes } of viewer.streams) {
      assert.deepEqual(numbers, [0, 1], "binary messages, live and read");
      assert.equal(shapes.size, 1, `live ones and others: ${[...shapes].join(" and ")}`);
    }
    assertAll(await judge(stage, viewer));
    await assertIsTable(stage, viewer);
  });
  assert.ok(viewer.answers > MISSED / 1000, `${viewer.answers} pages`);
}

/** A binary message to each room. */
async function sendNumber({ sql }: Stage, n: number): Promise<void> {
  for (const room of ROOMS) {
    await sql`select realtime.send_binary(int4send(${n}), 'number', ${topicOf(room)}, true)`;
  }
}

/** Changes a row in each room, behind all others, and waits for it. */
async function markAll({ sql }: Stage, viewer: RoomsViewer, what: string): Promise<void> {
  const [{ seq }] = await sql`select last_value::int as seq from relay.changes`;
  for (const [n, room] of ROOMS.entries()) {
    await sql`insert into public.orders values (${500 + n}, ${room}, ${what})
      on conflict (id) do update set state = excluded.state`;
  }
  await inTime(viewer.beyond(seq), "the last changes", LAST_MS);
}

const judge = async ({ sql }: Stage, { streams }: RoomsViewer): Promise<Figures> =>
  sum(await Promise.all(streams.map(async (each) => each.judge(await sentTo(sql, each.room)))));

function assertAll({ expected, ...figures }: Figures): void {
  const none = { twice: 0, late: 0, untoldLate: 0, gaps: 0, unreported: 0, troubles: 0 };
  assert.deepEqual(figures, { arrived: expected, ...none });
}

async function assertIsTable({ sql }: Stage, { streams }: RoomsViewer): Promise<void> {
  for (const { room, computed } of streams) assert.deepEqual(computed, await rowsIn(sql, room));
}
