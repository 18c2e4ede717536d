import assert from "node:assert/strict";
import type postgres from "postgres";
import { DEADLINE_MS, openBench } from "./support/realtime.ts";
import { ids, listen, openWire } from "./support/wire.ts";

Deno.test("a row that is in the log before it is visible arrives once it is", async () => {
  await using bench = await openBench();
  const { sql } = bench;
  await sql.unsafe(`
    create table public.events (id int8 primary key);
    alter table public.events enable row level security;
    create policy "everybody reads" on public.events for select using (true);
    grant select on public.events to anon;
    alter publication supabase_realtime add table public.events;
  `).simple();
  const wire = await openWire(bench, await bench.token());
  await listen(wire, "events");
  // A commit waits for its synchronous standby after it is in the log and before others see it.
  await sql`alter system set synchronous_standby_names = 'nobody'`;
  await sql`select pg_reload_conf()`;
  const { id, inserted } = await insertUntilOneWaits(sql);
  const [{ count }] = await sql`select count(*)::int from events where id = ${id}`;
  assert.equal(count, 0, "the row was visible at once: the test holds nothing back");
  await waitUntil(async () => {
    const [{ sent }] = await sql`
      select bool_and(sent_lsn >= pg_current_wal_insert_lsn()) as sent from pg_stat_replication
    `;
    return sent;
  });
  // The server has the row; these joins and their answers give it the time to ask who may see it.
  for (let n = 0; n < 20; n++) await wire.join(`realtime:other-${n}`);
  await sql`alter system reset synchronous_standby_names`;
  await sql`select pg_reload_conf()`;
  await inserted;
  assert.deepEqual((await ids(wire, id)).at(-1), id);
});

/** Inserts 1, 2, …: the new setting holds from whenever the checkpointer has heard of it. */
async function insertUntilOneWaits(sql: postgres.Sql) {
  for (let id = 1;; id++) {
    let isDone = false;
    const inserted = sql`insert into events values (${id})`.then(() => (isDone = true));
    await waitUntil(async () => {
      const [{ waits }] = await sql`
        select exists (select from pg_stat_activity where wait_event = 'SyncRep') as waits
      `;
      return waits || isDone;
    });
    if (!isDone) return { id, inserted };
  }
}

/** Asks again until it is so. */
async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!await isSo()) {
    if (Date.now() > end) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
