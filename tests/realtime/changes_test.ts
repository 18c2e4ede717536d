import assert from "node:assert/strict";
import type { RealtimePostgresChangesPayload, SupabaseClient } from "@supabase/supabase-js";
import { inTime } from "../support/in_time.ts";
import { type Bench, openBench } from "./support/realtime.ts";

const USERS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];

type Row = { id: number; owner: string; body: string };
type Got = RealtimePostgresChangesPayload<Row>;

Deno.test("a change goes to those who may read the row, a deletion to everybody", async () => {
  await using bench = await openBench();
  await createNotes(bench);
  const [owner, stranger] = await Promise.all(USERS.map(async (sub) => {
    const client = await bench.client({ role: "authenticated", sub });
    return await listen(client, "notes");
  }));
  await bench.sql`insert into notes values (1, ${USERS[0]}, 'a'), (2, ${USERS[1]}, 'b')`;
  // Rights are checked when the change is read: a row that is gone by then shows its end only.
  await owner.take(1);
  await bench.sql`update notes set body = 'c' where id = 1`;
  await owner.take(2);
  await bench.sql`delete from notes where id = 1`;
  assert.deepEqual(await owner.take(3), [
    ["INSERT", { id: 1, owner: USERS[0], body: "a" }, {}],
    ["UPDATE", { id: 1, owner: USERS[0], body: "c" }, { id: 1 }],
    ["DELETE", {}, { id: 1 }],
  ]);
  assert.deepEqual(await stranger.take(2), [
    ["INSERT", { id: 2, owner: USERS[1], body: "b" }, {}],
    ["DELETE", {}, { id: 1 }],
  ]);
});

async function createNotes(bench: Bench) {
  await bench.sql.unsafe(`
    create table public.notes (id int8 primary key, owner uuid, body text);
    alter table public.notes enable row level security;
    create policy own on public.notes for select to authenticated using (owner = auth.uid());
    grant select on public.notes to anon, authenticated;
    alter publication supabase_realtime add table public.notes;
  `).simple();
}

/** Subscribes to a table, and collects what comes. */
async function listen(client: SupabaseClient, table: string) {
  const got: Got[] = [];
  let wake = () => {};
  const ready = Promise.withResolvers<unknown>();
  client.channel(`test-${table}`)
    .on("postgres_changes", { event: "*", schema: "public", table }, (change) => {
      got.push(change as Got);
      wake();
    })
    .on("system" as never, {}, ready.resolve)
    .subscribe();
  await inTime(ready.promise, "the subscription stands");
  return {
    async take(count: number) {
      while (got.length < count) {
        await inTime(new Promise<void>((resolve) => (wake = resolve)), `${count} changes`);
      }
      return got.map((change) => [change.eventType, change.new, change.old]);
    },
  };
}
