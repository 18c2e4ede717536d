import assert from "node:assert/strict";
import {
  ALICE,
  type Cluster,
  type Database,
  readMigrations,
  startCluster,
} from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

/** Applies the migrations whose names lie in this range. */
async function apply(db: Database, from: string, below: string): Promise<void> {
  for (const { name, text } of await readMigrations()) {
    if (name < from || name >= below) continue;
    await db.sql.begin((transaction) => transaction.unsafe(text).simple());
  }
}

/** A project to which the migrations of the first day were pushed, with what people did there. */
async function oldProject(): Promise<Database> {
  const db = await cluster.database("bare");
  await apply(db, "", "20261128");
  await db.as("authenticated", { sub: ALICE.id }, (sql) =>
    sql`
      insert into short_links (slug, target_url, created_at)
      select 'forged-' || n, 'https://a.example', '2999-01-01' from generate_series(1, 200) as n`);
  await db.sql`
    insert into short_links (slug, target_url, created_at)
    values ('old', 'https://old.example', '2001-01-01')`;
  await db.as("anon", {}, (sql) => sql`insert into url_clicks (slug) values ('old')`);
  return db;
}

const upgrade = (db: Database) => apply(db, "20261128", "9");

/** What authenticated may do with short_links, and with which columns. */
async function rights({ admin }: Database): Promise<Record<string, string>> {
  const rows = await admin`
    select privilege_type, string_agg(column_name, ', ' order by ordinal_position) as names
    from information_schema.column_privileges join information_schema.columns
      using (table_schema, table_name, column_name)
    where table_schema = 'public' and table_name = 'short_links' and grantee = 'authenticated'
      and privilege_type <> 'SELECT'
    group by 1`;
  return Object.fromEntries(rows.map(({ privilege_type, names }) => [privilege_type, names]));
}

Deno.test("a project of before keeps its rows, and no link stays the newest for ever", async () => {
  await using db = await oldProject();
  await upgrade(db);
  const [row] = await db.sql`
    select count(*)::int, count(*) filter (where created_at > now())::int as future,
      min(created_at)::date::text as first
    from short_links`;
  assert.deepEqual({ ...row }, { count: 201, future: 0, first: "2001-01-01" });
  await db.sql`insert into short_links (slug, target_url) values ('new', 'https://new.example')`;
  const [newest] = await db.sql`select slug from link_stats order by created_at desc limit 1`;
  assert.equal(newest.slug, "new");
  assert.equal((await db.sql`select from url_clicks`).length, 1);
});

Deno.test("a project of before has what the first migrations have learnt to make since", async () => {
  await using db = await oldProject();
  // As it was pushed on the first day, 20261121000006 made nothing but the policy and the trigger.
  await db.sql`drop schema relay cascade`;
  await upgrade(db);
  assert.deepEqual([...await db.sql`select what from relay.left_open`], []);
  const [{ made }] = await db.sql`select relay.clicks_policy() as made`;
  await db.sql`drop policy "clicks of visible links can be received" on realtime.messages`;
  assert.deepEqual([...await db.sql`select statement from relay.left_open`], [{ statement: made }]);
  await db.sql.unsafe(made);
  const fresh = await cluster.database("migrated");
  const [{ made: now }] = await fresh.sql`select relay.clicks_policy() as made`;
  await fresh[Symbol.asyncDispose]();
  assert.equal(made, now);
});

Deno.test("rights that the project narrowed since stay narrow, columns of its own stay open", async () => {
  await using db = await oldProject();
  await db.sql`alter table short_links add tag text`;
  await db.sql`revoke update on short_links from authenticated`;
  await db.sql`grant update (title) on short_links to authenticated`;
  await upgrade(db);
  const expected = { INSERT: "slug, target_url, title, is_public, tag", UPDATE: "title" };
  assert.deepEqual(await rights(db), expected);
  await upgrade(db);
  assert.deepEqual(await rights(db), expected);
});

Deno.test("a url_clicks whose policy the project has replaced is left to it", async () => {
  await using db = await oldProject();
  await db.sql`drop policy "anybody adds clicks of existing links" on url_clicks`;
  await upgrade(db);
  const triggers = await db.sql`
    select tgname from pg_trigger
    where tgrelid = 'public.url_clicks'::regclass and not tgisinternal`;
  assert.deepEqual(triggers.map(({ tgname }) => tgname), ["broadcast_url_click"]);
  assert.match(db.notices.join("\n"), /is not the table of these migrations/);
});
