import assert from "node:assert/strict";
import { type Cluster, type Database, readMigrations, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

/** What the role that migrates may not do, and what makes it so. */
const STATES: Record<string, [statements: string[], left: number]> = {
  "policies on realtime.messages": [["revoke supabase_realtime_admin from postgres"], 2],
  "changes of the publication": [[
    "drop publication if exists supabase_realtime",
    "create publication supabase_realtime",
  ], 1],
  "either of them": [[
    "revoke supabase_realtime_admin from postgres",
    "drop publication if exists supabase_realtime",
    "create publication supabase_realtime",
  ], 3],
};

/** As db push does: each migration in a transaction, in their order. */
async function push(db: Database): Promise<void> {
  for (const { text } of await readMigrations()) {
    await db.sql.begin((transaction) => transaction.unsafe(text).simple());
  }
}

const leftOpen = async (db: Database) => [
  ...await db.sql<{ what: string; owner: string; statement: string }[]>`
    select what, owner, statement from relay.left_open order by what`,
];

for (const [what, [statements, expected]] of Object.entries(STATES)) {
  Deno.test(`a role that may not make ${what} gets the rest, and is told what is left to whom`, async () => {
    // Memberships belong to the server, not to a database.
    await using db = await cluster.database("bare");
    for (const statement of statements) await db.admin.unsafe(statement);
    try {
      await push(db);
      const [{ tables }] = await db.sql`
        select count(*)::int as tables from pg_tables where schemaname = 'public'`;
      assert.equal(tables, 2, "the tables are there");
      const left = await leftOpen(db);
      assert.equal(left.length, expected);
      for (const { owner, statement } of left) {
        assert.ok(
          db.notices.some((notice) => notice.includes(statement) && notice.includes(owner)),
        );
        // Word by word, as its owner would.
        await db.admin.unsafe(statement);
      }
      assert.deepEqual(await leftOpen(db), []);
      db.notices.length = 0;
      await push(db);
      assert.deepEqual(await leftOpen(db), []);
      assert.deepEqual(db.notices.filter((notice) => /yet|left to/i.test(notice)), []);
      await assertClicksCome(db);
    } finally {
      await db.admin`grant supabase_realtime_admin to postgres`;
    }
  });
}

/** The channel of a public link may be joined by anybody, and its table is published. */
async function assertClicksCome(db: Database): Promise<void> {
  await db.sql`insert into short_links (slug, target_url) values ('left', 'https://a.test/')`;
  await db.sql`select open_short_link('left', null, null)`;
  const [{ count }] = await db.as("anon", {}, async (sql) => {
    await sql`select set_config('realtime.topic', 'clicks:left', true)`;
    return await sql`select count(*)::int from realtime.messages`;
  });
  assert.equal(count, 1);
}

Deno.test("where all was allowed nothing is left open, and nobody but the owner may look", async () => {
  await using db = await cluster.database("migrated");
  assert.deepEqual(await leftOpen(db), []);
  for (const role of ["anon", "authenticated", "service_role"] as const) {
    await assert.rejects(
      db.as(role, {}, (sql) => sql`select * from relay.left_open`),
      /permission denied/,
    );
  }
});
