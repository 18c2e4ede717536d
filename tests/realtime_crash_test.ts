import assert from "node:assert/strict";
import postgres from "postgres";
import { type Bench, openBench, openWire, type Wire } from "./support/realtime.ts";

/** RELAY_TEST_LONG=1 runs the full number. */
const ROWS = Deno.env.get("RELAY_TEST_LONG") === "1" ? 5000 : 1000;

Deno.test(`Postgres is killed three times in the middle of ${ROWS} inserts: all of them arrive once`, async () => {
  await using bench = await openBench();
  await createEvents(bench);
  const wire = await listen(bench);
  let crash = Promise.resolve();
  // The inserts go on while it happens, three times.
  const inserted = insertAll(bench, (id) => {
    if (id % Math.floor(ROWS / 4) === 0 && id < ROWS) crash = crash.then(bench.crashPostgres);
  });
  const got = await collect(wire, ROWS);
  await Promise.all([inserted, crash]);
  assert.deepEqual(got.toSorted((a, b) => a - b), ids(1, ROWS));
  await bench.sql`insert into events values (${ROWS + 1})`;
  assert.deepEqual(await collect(wire, 1), [ROWS + 1]);
});

Deno.test("a restart of Realtime keeps its slots and goes on with them", async () => {
  await using bench = await openBench();
  await createEvents(bench);
  const slots = () =>
    bench.sql`select slot_name, restart_lsn is not null as kept
    from pg_replication_slots order by 1`;
  const before = await slots();
  assert.equal(before.length, 2);
  const old = await listen(bench);
  await bench.restart();
  assert.deepEqual(await old.closed, { code: 1012, reason: "" });
  assert.deepEqual(await slots(), before);
  const wire = await listen(bench);
  await bench.sql`insert into events values (1)`;
  assert.deepEqual(await collect(wire, 1), [1]);
});

async function createEvents(bench: Bench) {
  await bench.sql.unsafe(`
    create table public.events (id int8 primary key);
    grant select on public.events to anon;
    alter publication supabase_realtime add table public.events;
  `).simple();
}

/** Inserts 1 to ROWS, each again until it is there: a lost connection does not say whether. */
async function insertAll(bench: Bench, beforeEach: (id: number) => void) {
  const sql = postgres(bench.postgres.adminUrl, { max: 1, onnotice: () => {} });
  for (const id of ids(1, ROWS)) {
    beforeEach(id);
    for (;;) {
      try {
        await sql`insert into events values (${id}) on conflict do nothing`;
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
  await sql.end();
}

const ids = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function listen(bench: Bench): Promise<Wire> {
  const wire = await openWire(bench, await bench.token());
  const config = { postgres_changes: [{ event: "*", schema: "public", table: "events" }] };
  const payload = { config };
  wire.send(
    JSON.stringify({ topic: "realtime:e", event: "phx_join", payload, ref: "1", join_ref: "1" }),
  );
  await wire.next((frame) => frame.includes("Subscribed to PostgreSQL"), "the subscription");
  return wire;
}

async function collect(wire: Wire, count: number): Promise<number[]> {
  const got: number[] = [];
  while (got.length < count) {
    const frame = await wire.next((frame) => frame.includes('"data"'), `change ${got.length}`);
    got.push(JSON.parse(frame).payload.data.record.id);
  }
  return got;
}
