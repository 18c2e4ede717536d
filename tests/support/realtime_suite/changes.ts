import assert from "node:assert/strict";
import type { RealtimePostgresChangesPayload } from "@supabase/supabase-js";
import { ALICE, BOB, Inbox, type Origin, type Scenarios, subscribed } from "./suite.ts";

type Change = RealtimePostgresChangesPayload<Record<string, unknown>>;

export const changesScenarios: Scenarios = {
  async "a change goes to those who may read the row, a deletion to everybody"(origin, vsn) {
    const table = await createTable(origin, vsn, "rls");
    await origin.sql.unsafe(`
      alter table public.${table} enable row level security;
      create policy own on public.${table} for select to authenticated using (owner = auth.uid());
    `).simple();
    const [alice, bob] = [await origin.client(ALICE, vsn), await origin.client(BOB, vsn)];
    const [own, other] = await Promise.all([alice, bob].map((client) => listen(client, table)));
    const sql = origin.sql;
    await sql`insert into ${sql(table)} (id, owner) values (1, ${ALICE}), (2, ${BOB})`;
    await own.take(1, "the insert");
    await sql`update ${sql(table)} set body = 'x' where id = 1`;
    await own.take(2, "the update");
    await sql`delete from ${sql(table)} where id = 1`;
    assert.deepEqual((await own.take(3, "all")).map(short), [
      ["INSERT", { id: 1, owner: ALICE, body: null }, {}],
      ["UPDATE", { id: 1, owner: ALICE, body: "x" }, { id: 1 }],
      ["DELETE", {}, { id: 1 }],
    ]);
    assert.deepEqual((await other.take(2, "its own, and the deletion")).map(short), [
      ["INSERT", { id: 2, owner: BOB, body: null }, {}],
      ["DELETE", {}, { id: 1 }],
    ]);
  },

  async "with select only the columns that were asked for come, and the key"(origin, vsn) {
    const table = await createTable(origin, vsn, "select");
    const alice = await origin.client(ALICE, vsn);
    const inbox = await listen(alice, table, { select: ["body"] });
    await origin.sql`insert into ${origin.sql(table)} (id, owner, body) values (1, ${BOB}, 'x')`;
    assert.deepEqual(short((await inbox.take(1, "the insert"))[0]), [
      "INSERT",
      { id: 1, body: "x" },
      {},
    ]);
  },

  async "a transaction of many rows comes whole and in order"(origin, vsn) {
    const table = await createTable(origin, vsn, "many");
    const alice = await origin.client(ALICE, vsn);
    const inbox = await listen(alice, table);
    const { sql } = origin;
    await sql`insert into ${sql(table)} (id) select * from generate_series(1, 1200)`;
    const changes = await inbox.take(1200, "all rows");
    assert.deepEqual(changes.map(({ new: row }) => (row as { id: number }).id), [
      ...Array.from({ length: 1200 }, (_, index) => index + 1),
    ]);
  },

  async "a subscription that cannot stand says why"(origin, vsn) {
    const alice = await origin.client(ALICE, vsn);
    const channel = alice.channel(`suite-wrong-${vsn}`).on(
      "postgres_changes",
      { event: "*", schema: "public", table: "no_such_table" },
      () => {},
    );
    await assert.rejects(subscribed(channel), /Please check Realtime is enabled for the given/);
  },
};

/** A table that everybody may read, in the publication; the API roles have it by default. */
export async function createTable({ sql }: Origin, vsn: string, name: string): Promise<string> {
  const table = `suite_${name}_${vsn[0]}`;
  await sql.unsafe(`
    create table public.${table} (id int8 primary key, owner uuid, body text);
    alter publication supabase_realtime add table public.${table};
  `).simple();
  return table;
}

/** Subscribes to a table, with a filter or a selection. */
async function listen(
  client: Awaited<ReturnType<Origin["client"]>>,
  table: string,
  more: { filter?: string; select?: string[] } = {},
): Promise<Inbox<Change>> {
  const inbox = new Inbox<Change>();
  await subscribed(
    client.channel(table).on(
      "postgres_changes",
      { event: "*", schema: "public", table, ...more },
      inbox.put as never,
    ),
  );
  return inbox;
}

const short = ({ eventType, new: row, old }: Change) => [eventType, row, old];
