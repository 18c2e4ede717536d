import assert from "node:assert/strict";
import postgres from "postgres";
import { connect } from "../../tools/stack/realtime/database/database.ts";
import { LONG } from "../support/long.ts";
import { type Bench, openBench } from "./support/realtime.ts";
import { ids, listen, openWire, type Wire } from "./support/wire.ts";

const ROWS = LONG ? 5000 : 1000;

Deno.test(`Postgres is killed three times in the middle of ${ROWS} inserts: all of them arrive once`, async () => {
  await using bench = await openBench();
  await createEvents(bench);
  const wire = await open(bench);
  let crash = Promise.resolve();
  // The inserts go on while it happens, three times.
  const inserted = insertAll(bench, (id) => {
    if (id % Math.floor(ROWS / 4) === 0 && id < ROWS) crash = crash.then(bench.crashPostgres);
  });
  const got = await ids(wire, ROWS);
  await Promise.all([inserted, crash]);
  assert.deepEqual(got.toSorted((a, b) => a - b), numbers(1, ROWS));
  await bench.sql`insert into events values (${ROWS + 1})`;
  assert.deepEqual(await ids(wire, 1), [ROWS + 1]);
});

Deno.test("a restart of Realtime keeps its slots and goes on with them", async () => {
  await using bench = await openBench();
  await createEvents(bench);
  const slots = () =>
    bench.sql`select slot_name, restart_lsn is not null as kept
    from pg_replication_slots order by 1`;
  const before = await slots();
  assert.equal(before.length, 2);
  const old = await open(bench);
  await bench.restart();
  assert.deepEqual(await old.closed, { code: 1012, reason: "" });
  assert.deepEqual(await slots(), before);
  const wire = await open(bench);
  await bench.sql`insert into events values (1)`;
  assert.deepEqual(await ids(wire, 1), [1]);
});

Deno.test("a connection that breaks as soon as it is there fails its query, and nothing else", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = serveOnce(listener);
  const { port } = listener.addr as Deno.NetAddr;
  const sql = connect(`postgresql://somebody@127.0.0.1:${port}/postgres`, 1);
  await assert.rejects(async () => await sql`select 1`);
  await served;
  // What is nobody's would be told by now, and fail this test.
  await new Promise((resolve) => setTimeout(resolve, 0));
  await sql.end({ timeout: 0 });
});

/** A Postgres that lets somebody in, reads a question, and is gone. */
async function serveOnce(listener: Deno.Listener) {
  const authenticated = [0x52, 0, 0, 0, 8, 0, 0, 0, 0];
  const ready = [0x5a, 0, 0, 0, 5, 0x49];
  using connection = await listener.accept();
  listener.close();
  await connection.read(new Uint8Array(1024));
  await connection.write(new Uint8Array([...authenticated, ...ready]));
  await connection.read(new Uint8Array(1024));
}

async function createEvents(bench: Bench) {
  await bench.sql.unsafe(`
    create table public.events (id int8 primary key);
    grant select on public.events to anon;
    alter publication supabase_realtime add table public.events;
  `).simple();
}

/** Inserts 1 to ROWS, each again until it is there: a lost connection does not say whether. */
async function insertAll(bench: Bench, beforeEach: (id: number) => void) {
  const sql = postgres(bench.postgres.adminUrl, { max: 1, fetch_types: false, onnotice: () => {} });
  for (const id of numbers(1, ROWS)) {
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

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function open(bench: Bench): Promise<Wire> {
  const wire = await openWire(bench, await bench.token());
  await listen(wire, "events");
  return wire;
}
