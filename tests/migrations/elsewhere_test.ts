import assert from "node:assert/strict";
import {
  applyMigrations,
  type Cluster,
  type Database,
  type Sql,
  startCluster,
} from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

async function isPublished(sql: Sql): Promise<boolean> {
  const [{ published }] = await sql`
    select exists (
      select from pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'url_clicks'
    ) as published`;
  return published;
}

/** Everything of a table that its owner could miss: columns, rights, policies, triggers, rows. */
async function portrait(sql: Sql, table: string) {
  const [row] = await sql`
    select relacl::text, relrowsecurity, reloptions, relreplident, relowner::regrole::text,
      (select json_agg(json_build_array(attname, atttypid, attnotnull, attacl::text) order by attnum)
        from pg_attribute where attrelid = c.oid) as columns,
      (select json_agg(p order by policyname) from pg_policies p
        where tablename = relname and schemaname = 'public') as policies,
      (select json_agg(tgname order by tgname) from pg_trigger
        where tgrelid = c.oid and not tgisinternal) as triggers
    from pg_class c where oid = ${"public." + table}::regclass`;
  return { ...row, rows: [...await sql`select * from ${sql(table)}`] };
}

/** A url_clicks of somebody's own, with a row in it. */
async function othersTable(db: Database, columns: string, more = ""): Promise<void> {
  await db.sql.unsafe(`
    create table public.url_clicks (${columns});
    insert into public.url_clicks default values;
    ${more}`).simple();
}

const PLAIN = "id uuid primary key default gen_random_uuid(), ip inet default '10.0.0.1'";
const WITH_RLS = "alter table public.url_clicks enable row level security";

Deno.test("the publication holds url_clicks", async () => {
  await using db = await cluster.database("migrated");
  assert.ok(await isPublished(db.sql));
});

Deno.test("applied twice, the migrations change nothing", async () => {
  await using db = await cluster.database("migrated");
  await db.sql`insert into short_links (slug, target_url) values ('a', 'https://a.example')`;
  await db.sql`insert into url_clicks (slug) values ('a')`;
  const before = [await portrait(db.sql, "short_links"), await portrait(db.sql, "url_clicks")];
  await applyMigrations(db.sql);
  const after = [await portrait(db.sql, "short_links"), await portrait(db.sql, "url_clicks")];
  assert.deepEqual(after, before);
  assert.ok(await isPublished(db.sql));
});

Deno.test("a url_clicks of another shape without RLS is left alone and not published", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, PLAIN);
  const before = await portrait(db.sql, "url_clicks");
  await applyMigrations(db.sql);
  assert.deepEqual(await portrait(db.sql, "url_clicks"), before);
  assert.ok(!await isPublished(db.sql));
  const told = db.notices.join("\n");
  assert.match(
    told,
    /columns, data and rights are left alone\. Left to its owner: row level security/,
  );
  assert.match(told, /has no row level security and is not published\. Left to its owner/);
  assert.match(told, /no column slug or belongs to another role: its clicks are not broadcast/);
  assert.match(told, /link_stats is not made/);
  assert.match(told, /not the table of these migrations: how many rows a request may add/);
});

Deno.test("a url_clicks of another shape with RLS is published and otherwise left alone", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, PLAIN, WITH_RLS);
  const before = await portrait(db.sql, "url_clicks");
  await applyMigrations(db.sql);
  await applyMigrations(db.sql);
  assert.deepEqual(await portrait(db.sql, "url_clicks"), before);
  assert.ok(await isPublished(db.sql));
});

Deno.test("a url_clicks of another shape without a key is not published: updates go on", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, "ip inet default '10.0.0.1'", WITH_RLS);
  await applyMigrations(db.sql);
  assert.ok(!await isPublished(db.sql));
  assert.match(db.notices.join("\n"), /no primary key and is not published/);
  assert.equal((await db.sql`update url_clicks set ip = '10.0.0.2'`).count, 1);
});

Deno.test("links open with a url_clicks of another shape, which takes the click if it can", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, PLAIN);
  await applyMigrations(db.sql);
  await db.sql`insert into short_links (slug, target_url) values ('a', 'https://a.example')`;
  const open = () => db.as("anon", {}, (sql) => sql`select open_short_link('a') as target`);
  assert.deepEqual([...await open()], [{ target: "https://a.example" }]);
  await db.sql`
    alter table url_clicks add slug text, add referrer_host text, add country text`;
  await open();
  assert.deepEqual([...await db.sql`select slug from url_clicks offset 1`], [{ slug: "a" }]);
});

Deno.test("a url_clicks of another shape that has a slug gets the broadcast, and nothing else", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, `${PLAIN}, slug text default 'a', user_agent text`);
  const before = await portrait(db.sql, "url_clicks");
  await applyMigrations(db.sql);
  const triggers = ["broadcast_url_click"];
  assert.deepEqual(await portrait(db.sql, "url_clicks"), { ...before, triggers });
  await db.sql`insert into url_clicks (user_agent) values ('secret')`;
  const [{ topic, payload }] = await db.admin`select topic, payload from realtime.messages`;
  assert.equal(topic, "clicks:a");
  assert.deepEqual(Object.keys(payload).sort(), ["clicked_at", "id", "slug"]);
});

Deno.test("a url_clicks of another role is left alone", async () => {
  await using db = await cluster.database("bare");
  await othersTable(db, `${PLAIN}, slug text`, WITH_RLS);
  await db.admin`alter table public.url_clicks owner to supabase_auth_admin`;
  await applyMigrations(db.sql);
  assert.ok(!await isPublished(db.sql));
  assert.match(db.notices.join("\n"), /belongs to another role and is not published/);
});

Deno.test("a view called url_clicks is left alone", async () => {
  await using db = await cluster.database("bare");
  await db.sql`create view public.url_clicks as select 'a'::text as slug, now() as clicked_at`;
  await applyMigrations(db.sql);
  assert.ok(!await isPublished(db.sql));
});

Deno.test("a short_links of another shape is an error that names the way out", async () => {
  await using db = await cluster.database("bare");
  await db.sql`create table public.short_links (slug text, url text)`;
  await assert.rejects(
    applyMigrations(db.sql),
    /without the column\(s\) target_url, title, owner, is_public, created_at\. Rename that table/,
  );
});

Deno.test("a missing publication is made", async () => {
  await using db = await cluster.database("bare");
  await db.sql`drop publication supabase_realtime`;
  await applyMigrations(db.sql);
  assert.ok(await isPublished(db.sql));
});

for (const content of ["for all tables", "for tables in schema public"]) {
  Deno.test(`a publication ${content} is left as it is`, async () => {
    await using db = await cluster.database("bare");
    await db.admin`drop publication supabase_realtime`;
    await db.admin.unsafe(`create publication supabase_realtime ${content}`);
    await applyMigrations(db.sql);
    assert.ok(await isPublished(db.sql));
    const [{ count }] = await db.sql`select count(*)::int from pg_publication_rel
      where prpubid = (select oid from pg_publication where pubname = 'supabase_realtime')`;
    assert.equal(count, 0);
  });
}
