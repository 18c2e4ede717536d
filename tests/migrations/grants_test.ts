import assert from "node:assert/strict";
import { type Cluster, type Sql, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

/** Everything that anybody but the owner may do with the objects of schema public. */
const GRANTS = [
  "EXECUTE missed_messages: anon, authenticated, service_role",
  "EXECUTE open_short_link: anon, authenticated",
  "EXECUTE short_link_exists: anon, authenticated",
  "INSERT url_clicks (country, referrer_host, slug): anon, authenticated, service_role",
  "DELETE short_links: authenticated, service_role",
  "DELETE url_clicks: service_role",
  "INSERT short_links (is_public, slug, target_url, title): authenticated",
  "INSERT short_links: service_role",
  "SELECT link_stats: anon, authenticated, service_role",
  "SELECT short_links: anon, authenticated, service_role",
  "SELECT url_clicks: anon, authenticated, service_role",
  "UPDATE short_links (is_public, slug, target_url, title): authenticated",
  "UPDATE short_links: service_role",
];

/** As GRANTS, from information_schema. Columns only where they are not granted by their table. */
async function grants(sql: Sql): Promise<string[]> {
  const rows = await sql`
    with tables as (
      select privilege_type, table_name, grantee from information_schema.table_privileges
      where table_schema = 'public' and grantee <> 'postgres'
    ), columns as (
      select privilege_type, table_name, grantee,
        string_agg(column_name, ', ' order by column_name) as names
      from information_schema.column_privileges
      where table_schema = 'public' and grantee <> 'postgres'
        and (privilege_type, table_name, grantee) not in (select * from tables)
      group by 1, 2, 3
    ), routines as (
      select privilege_type, routine_name, grantee from information_schema.routine_privileges
      where routine_schema = 'public' and grantee <> 'postgres'
    ), everything (privilege, object, grantee) as (
      select * from tables
      union all select * from routines
      union all select privilege_type, format('%s (%s)', table_name, names), grantee from columns
    )
    select format('%s %s: %s', privilege, object, string_agg(grantee, ', ' order by grantee))
      as granted
    from everything group by privilege, object`;
  return rows.map(({ granted }) => granted);
}

Deno.test("the grants on everything in schema public are these and no others", async () => {
  await using db = await cluster.database("migrated");
  assert.deepEqual((await grants(db.admin)).sort(), GRANTS.toSorted());
});

Deno.test("what information_schema does not show is granted to nobody: sequences, maintain", async () => {
  await using db = await cluster.database("migrated");
  const rows = await db.admin`
    select relname, privilege_type, grantee::regrole::text
    from pg_class, aclexplode(coalesce(
      relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)
    ))
    where relnamespace = 'public'::regnamespace and grantee <> relowner
      and (relkind = 'S' or privilege_type = 'MAINTAIN')`;
  assert.deepEqual([...rows], []);
});

Deno.test("in schema relay nobody but its owner has a right, and service_role that to end sessions", async () => {
  await using db = await cluster.database("migrated");
  const rows = await db.admin`
    select 'execute ' || proname as what, grantee::regrole::text as who
    from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))
    where pronamespace = 'relay'::regnamespace and grantee <> proowner
    union all
    select privilege_type || ' ' || relname, grantee::regrole::text
    from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
    where relnamespace = 'relay'::regnamespace and grantee <> relowner and relkind <> 'i'
    union all
    select 'usage', grantee::regrole::text
    from pg_namespace, aclexplode(nspacl) where nspname = 'relay' and grantee <> nspowner`;
  assert.deepEqual(rows.map(({ what, who }) => `${what}: ${who}`).sort(), [
    "execute end_sessions: service_role",
    "usage: service_role",
  ]);
  const loose = await db.admin`
    select proname from pg_proc
    where pronamespace = 'relay'::regnamespace
      and not 'search_path=""' = any (coalesce(proconfig, '{}'))`;
  assert.deepEqual([...loose], []);
});

Deno.test("without the migrations' revoke the API roles would have every right", async () => {
  await using db = await cluster.database("bare");
  await db.sql`create table public.fresh (id bigint generated always as identity)`;
  await db.sql`create function public.fresh() returns int language sql return 1`;
  const given = await grants(db.admin);
  assert.ok(given.includes("TRUNCATE fresh: anon, authenticated, service_role"), `${given}`);
  assert.ok(given.includes("EXECUTE fresh: PUBLIC, anon, authenticated, service_role"), `${given}`);
});

Deno.test("every table in schema public has row level security, every view its invoker's", async () => {
  await using db = await cluster.database("migrated");
  const rows = await db.admin`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and not case relkind
      when 'r' then relrowsecurity
      when 'v' then 'security_invoker=true' = any (coalesce(reloptions, '{}'))
      else true end`;
  assert.deepEqual([...rows], []);
});

Deno.test("every security definer function in schema public has an empty search_path", async () => {
  await using db = await cluster.database("migrated");
  const rows = await db.admin`
    select proname, array_to_string(proconfig, ';') as config from pg_proc
    where pronamespace = 'public'::regnamespace and prosecdef order by proname`;
  assert.deepEqual([...rows], [
    { proname: "bound_short_links", config: 'search_path=""' },
    { proname: "broadcast_url_click", config: 'search_path="";TimeZone=UTC;lock_timeout=500ms' },
    { proname: "hold_slugs", config: 'search_path=""' },
    { proname: "open_short_link", config: 'search_path=""' },
    { proname: "refuse_held_slug", config: 'search_path=""' },
    { proname: "short_link_exists", config: 'search_path=""' },
    { proname: "stamp_url_click", config: 'search_path=""' },
  ]);
});
