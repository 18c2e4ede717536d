import assert from "node:assert/strict";
import { signToken } from "../../../tools/stack/keys.ts";
import { asRole } from "./as_role.ts";
import { signIn } from "./sign_in.ts";
import type { SetUp, Stage } from "./stage.ts";

/** What is made for a set-up, by the project's owner, and gone afterwards. */
async function owned(stage: Stage, statements: string): Promise<void> {
  stage.after(() =>
    stage.sql.unsafe(
      `drop schema if exists shop cascade; drop table if exists public.notes, public.members, public."My Notes" cascade;
      drop view if exists public.newest; drop function if exists public.is_member() cascade;
      alter publication supabase_realtime set (publish = 'insert, update, delete, truncate')`,
    ).simple()
  );
  await asRole(stage.sql, "postgres", statements);
}

const NOTES = `
  create table public.notes (id int primary key, body text, secret text);
  alter table public.notes enable row level security;
  create policy "all notes" on public.notes for select using (true);
  grant select on public.notes to anon, authenticated;
  alter publication supabase_realtime add table public.notes;`;

const at = ({ stack }: Stage, table: string, ...more: string[]) => [
  ...[stack.info.API_URL, "--db", stack.info.DB_URL, "--table", table, ...more],
];

/** With these statements; the doctor is asked about `table`. */
const made =
  (statements: string, table = "public.notes", ...more: string[]) => async (stage: Stage) => {
    await owned(stage, statements);
    return at(stage, table, ...more);
  };

/** Mends by what is printed, as the role that a project's owner has. */
const mends = { pasteAs: "postgres" };

/** A token of this role, by the stack's secret. */
const tokenOf = ({ stack }: Stage, role: string) =>
  signToken(
    stack.info.JWT_SECRET,
    { role, sub: stack.info.USERS[0].id, aud: "authenticated" },
    600,
  );

/** What is well, though it looks otherwise. */
export const HEALTHY_TABLES: Omit<SetUp, "expect">[] = [
  {
    name: "a role of its own, which sees a table",
    async make(stage) {
      stage.after(() => stage.sql`drop role editor`);
      await stage.sql`create role editor nologin`;
      await stage.sql`grant editor to authenticator`;
      stage.after(() => stage.sql`drop owned by editor`);
      await stage.sql`grant usage on schema realtime to editor`;
      await owned(stage, `${NOTES} grant select on public.notes to editor`);
      return at(stage, "public.notes", "--token", await tokenOf(stage, "editor"));
    },
  },
  ...[
    "as permissive for select to service_role using (true)",
    `for select using (true);
      create policy no on realtime.messages as restrictive for select
      using (realtime.topic() like 'room:%')`,
  ].map((policy) => ({
    name: `a policy on realtime.messages that opens no topic: ${policy.split("\n")[0]}`,
    async make(stage: Stage) {
      stage.after(() =>
        stage.sql.unsafe(
          `drop policy if exists own on realtime.messages;
          drop policy if exists no on realtime.messages`,
        ).simple()
      );
      await owned(stage, `create policy own on realtime.messages ${policy}`);
      return [stage.stack.info.API_URL, "--db", stage.stack.info.DB_URL];
    },
  })),
  {
    name: "a name with spaces and capitals",
    make: made(NOTES.replaceAll("public.notes", 'public."My Notes"'), "public.My Notes"),
  },
  {
    name: "a key whose name goes on as a statement, which nobody runs",
    make: async (stage) => {
      stage.after(async () => {
        const [{ ran }] = await stage.sql`select to_regclass('public.ran') is not null as ran`;
        await stage.sql`drop table if exists public.ran`;
        assert.ok(!ran, "It was run, with the rights of the one who asks.");
      });
      await owned(
        stage,
        NOTES.replace("id int", 'x int, "x"" from notes) t; commit; create table ran (); --" int'),
      );
      return at(stage, "public.notes");
    },
  },
];

/** Tables, publications, policies and roles that let nothing through, or too much. */
export const TABLE_SET_UPS: SetUp[] = [
  {
    name: "a view in a table's place",
    ...{ expect: "table_kind", says: /nothing that can be published/, paste: /add table notes/ },
    make: async (stage) => {
      await owned(
        stage,
        `${NOTES} alter publication supabase_realtime drop table public.notes;
        create view public.newest as select * from public.notes`,
      );
      return at(stage, "public.newest");
    },
  },
  {
    name: "a view of a view",
    ...{ expect: "table_kind", paste: /^$/ },
    make: made(
      `${NOTES} create view public.newest as select * from public.notes;
      create schema shop; create materialized view shop.all_of_it as select * from public.newest`,
      "shop.all_of_it",
    ),
  },
  {
    ...{ name: "a view of a table and one of the platform's own, which no client shall see" },
    ...{ expect: "table_kind", paste: /^alter publication supabase_realtime add table notes;$/ },
    ...{ never: /auth\.users/, more: true },
    make: made(
      `${NOTES} alter publication supabase_realtime drop table public.notes;
      create view public.newest as select notes.* from public.notes
        join auth.users on auth.users.email = notes.body`,
      "public.newest",
    ),
  },
  {
    ...{ name: "a table of PostgreSQL's own", more: true },
    ...{ expect: "table_kind", paste: /^$/, never: /enable row level security/ },
    make: made("", "pg_catalog.pg_class"),
  },
  {
    name: "a table of the platform's own, which no client shall see",
    ...{ expect: "table_kind", paste: /^$/, never: /grant select|add table/ },
    make: made("", "auth.users"),
  },
  {
    ...{ name: "a table by its name in other letters", more: true },
    ...{ expect: "table_missing", never: /add table/ },
    make: made(NOTES, "public.Notes"),
  },
  {
    name: "a table without a primary key, with a column that could be it",
    ...{ expect: "primary_key_missing", paste: /add primary key \(id\)/, ...mends },
    make: made(NOTES.replace("primary key", "unique not null")),
  },
  {
    ...{ name: "a table without a primary key, whose id may be given twice", more: true },
    ...{ expect: "primary_key_missing", paste: /add column row_id bigint/, ...mends },
    make: made(NOTES.replace(" primary key", "")),
  },
  {
    name: "a primary key that is deferrable, which is no replica identity",
    ...{ expect: "replica_identity", paste: /replica identity full/, ...mends },
    make: made(NOTES.replace("primary key", "primary key deferrable")),
  },
  {
    ...{ name: "a replica identity whose index is gone", more: true },
    ...{ expect: "replica_identity", paste: /replica identity default/, ...mends },
    make: made(`${NOTES} create unique index gone on public.notes (id);
      alter table public.notes replica identity using index gone; drop index public.gone`),
  },
  {
    name: "an unlogged table",
    ...{ expect: "table_kind", paste: /set logged/, ...mends },
    make: made(`create unlogged table public.notes (id int primary key);
      alter table public.notes enable row level security;
      create policy "all notes" on public.notes for select using (true);
      grant select on public.notes to anon`),
  },
  {
    name: "a sequence",
    ...{ expect: "table_kind", paste: /^$/ },
    make: made("create schema shop; create sequence shop.numbers", "shop.numbers"),
  },
  {
    name: "a publication of inserts alone",
    ...{ expect: "publication_operations", says: /never arrive/, paste: /publish = /, ...mends },
    make: made(`${NOTES} alter publication supabase_realtime set (publish = 'insert')`),
  },
  {
    name: "a publication without deletes",
    ...{ expect: "publication_operations", ...mends },
    make: made(`${NOTES} alter publication supabase_realtime set (publish = 'insert, update')`),
  },
  {
    name: "a publication of updates alone, so that no row arrives",
    ...{ expect: "publication_operations", ...mends },
    make: made(`${NOTES} alter publication supabase_realtime set (publish = 'update')`),
  },
  {
    name: "a publication with a list of columns, which Realtime reads past",
    ...{ expect: "publication_ignored", paste: /grant select \(id, body\) on notes to anon/ },
    ...mends,
    make: made(`${NOTES} alter publication supabase_realtime drop table public.notes;
      alter publication supabase_realtime add table public.notes (id, body)`),
  },
  {
    name: "a publication with a filter of rows, which Realtime reads past",
    ...{ expect: "publication_ignored", paste: /as restrictive for select/ },
    make: made(`${NOTES} alter publication supabase_realtime drop table public.notes;
      alter publication supabase_realtime add table public.notes where (id > 10)`),
    ...mends,
  },
  {
    ...{ name: "a publication with both", more: true },
    ...{ expect: "publication_ignored", paste: /grant select \(id, body\)[^]*as restrictive/ },
    ...mends,
    make: made(`${NOTES} alter publication supabase_realtime drop table public.notes;
      alter publication supabase_realtime add table public.notes (id, body) where (id > 10)`),
  },
  {
    ...{ name: "a partitioned table that has no partitions yet", more: true },
    ...{ expect: "partitioned_root", never: /add table notes/ },
    make: made(`create table public.notes (id int primary key) partition by list (id);
      alter table public.notes enable row level security;
      create policy "all notes" on public.notes for select using (true);
      grant select on public.notes to anon, authenticated;
      alter publication supabase_realtime add table public.notes`),
  },
  {
    ...{ name: "a token with a role in other letters", more: true },
    ...{ expect: "role_missing", paste: /^$/ },
    async make(stage) {
      await owned(stage, NOTES);
      return at(stage, "public.notes", "--token", await tokenOf(stage, "Authenticated"));
    },
  },
  {
    name: "a private channel that a restrictive policy shuts",
    ...{ expect: "topic_policy_missing", paste: /^alter policy no on realtime\.messages/ },
    ...mends,
    async make(stage) {
      stage.after(() =>
        stage.sql.unsafe(
          `drop policy if exists rooms on realtime.messages;
          drop policy if exists no on realtime.messages`,
        ).simple()
      );
      await owned(
        stage,
        `create policy rooms on realtime.messages for select using (true and id is not null);
        create policy no on realtime.messages as restrictive for select to anon
          using (realtime.topic() like 'clicks:%')`,
      );
      const { API_URL, DB_URL } = stage.stack.info;
      return [API_URL, "--db", DB_URL, "--topic", "room:1"];
    },
  },
  {
    name: "a schema of its own that the role may not use",
    ...{ expect: "schema_usage_missing", paste: /grant usage on schema shop to anon/, ...mends },
    make: made(
      `create schema shop; create table shop.orders (id int primary key);
      alter table shop.orders enable row level security;
      create policy "all" on shop.orders for select using (true);
      grant select on shop.orders to anon;
      alter publication supabase_realtime add table shop.orders`,
      "shop.orders",
    ),
  },
  {
    ...{ name: "a policy that reads a table of the platform's own", more: true },
    ...{ expect: "policy_grant_missing", paste: /^$/, never: /grant select on auth/ },
    make: made(NOTES.replace(
      "using (true)",
      "using (body = (select email from auth.users where id = auth.uid()))",
    )),
  },
  {
    name: "a policy that reads a table without a grant",
    ...{ expect: "policy_grant_missing", says: /no right to/ },
    ...{ paste: /grant select on members to anon/, ...mends },
    make: made(`${NOTES} create table public.members (id int);
      revoke all on public.members from anon, authenticated;
      alter policy "all notes" on public.notes using (exists (select from public.members m))`),
  },
  {
    name: "a policy that calls a function without a grant, in a schema without usage",
    ...{ expect: "policy_grant_missing", paste: /grant usage on schema shop to anon/, ...mends },
    make: made(`${NOTES} create schema shop;
      create function shop.is_member() returns boolean language plpgsql as 'begin return true; end';
      revoke all on function shop.is_member() from public, anon;
      alter policy "all notes" on public.notes using (shop.is_member());
      insert into public.notes values (1)`),
  },
  {
    name: "a policy whose function reads a table without a grant",
    ...{ expect: "policy_grant_missing", paste: /grant select on members to anon/, ...mends },
    make: made(`${NOTES} create table public.members (id int);
      revoke all on public.members from anon, authenticated;
      create function public.is_member() returns boolean language plpgsql as
        'begin return exists (select from public.members); end';
      grant execute on function public.is_member() to anon;
      alter policy "all notes" on public.notes using (public.is_member());
      insert into public.notes values (1)`),
  },
  {
    name: "a partitioned table whose root is published, and whose leaves have no rights",
    ...{ expect: "partitioned_root", also: ["partition_rights"], says: /its leaves by themselves/ },
    ...{ pasteAs: "postgres", left: ["partitioned_root"] },
    make: made(`create table public.notes (id int primary key) partition by range (id);
      create table public.notes_1 partition of public.notes for values from (0) to (100);
      revoke all on public.notes_1 from anon, authenticated;
      alter table public.notes enable row level security;
      create policy "all notes" on public.notes for select to anon, authenticated using (id > 0);
      grant select on public.notes to anon;
      alter publication supabase_realtime add table public.notes`),
  },
  {
    name: "a leaf of it, which is like any table",
    ...{ expect: "rls_off", ...mends },
    make: made(
      `create table public.notes (id int primary key) partition by range (id);
      create table public.notes_1 partition of public.notes for values from (0) to (100);
      create policy "all notes" on public.notes_1 for select using (true);
      grant select on public.notes_1 to anon;
      alter publication supabase_realtime add table public.notes`,
      "public.notes_1",
    ),
  },
  {
    name: "a token with a role that is not there",
    ...{ expect: "role_missing", paste: /create role editor nologin/, never: /select policy/ },
    mend: (stage, paste) => asRole(stage.sql, "postgres", paste.join("\n")).then(() => undefined),
    async make(stage) {
      await owned(stage, NOTES);
      stage.after(() => stage.sql`drop role if exists editor`);
      const token = await tokenOf(stage, "editor");
      return at(stage, "public.notes", "--token", token, "--topic", "room");
    },
  },
  {
    name: "a private channel whose policy raises for this topic",
    ...{ expect: "messages_policy_raises", never: /add one|select policy on realtime/i },
    async make(stage) {
      stage.after(() => stage.sql`drop policy if exists rooms on realtime.messages`);
      await owned(
        stage,
        `create policy rooms on realtime.messages for select
          using (split_part(realtime.topic(), ':', 2)::int > 0)`,
      );
      return [stage.stack.info.API_URL, "--db", stage.stack.info.DB_URL, "--topic", "room:one"];
    },
  },
  {
    name: "a private channel whose policy reads what the role may not",
    ...{ expect: "messages_policy_raises", paste: /grant select on members to authenticated/ },
    ...mends,
    async make(stage) {
      stage.after(() => stage.sql`drop policy if exists rooms on realtime.messages`);
      await owned(
        stage,
        `create table public.members (id int); insert into public.members values (1);
        revoke all on public.members from anon, authenticated;
        create policy rooms on realtime.messages for select
          using (exists (select from public.members))`,
      );
      const token = await signIn(stage.stack.info);
      const { API_URL, DB_URL } = stage.stack.info;
      return [API_URL, "--db", DB_URL, "--topic", "room:one", "--token", token];
    },
  },
  {
    name: "a policy whose name a terminal obeys",
    ...{ expect: "messages_policy_open", paste: /^drop policy U&"x\\001by" on/, ...mends },
    async make(stage) {
      stage.after(() => stage.sql.unsafe('drop policy if exists "x\x1by" on realtime.messages'));
      await owned(stage, 'create policy "x\x1by" on realtime.messages for select using (true)');
      return [stage.stack.info.API_URL, "--db", stage.stack.info.DB_URL];
    },
  },
  {
    ...{ name: "the same, to a role that may not read which migrations were applied", more: true },
    ...{ expect: "messages_policy_open", paste: /^drop policy own on/ },
    async make(stage) {
      const { sql, after } = stage;
      after(() => sql`drop policy if exists own on realtime.messages`);
      await owned(stage, "create policy own on realtime.messages for select using (true)");
      after(() => sql`drop role looker`);
      await sql`create role looker login password 'of-these-moments'`;
      after(() => sql`drop owned by looker`);
      await sql`grant usage on schema realtime to looker`;
      const url = new URL(stage.stack.info.DB_URL);
      [url.username, url.password] = ["looker", "of-these-moments"];
      return [stage.stack.info.API_URL, "--quick", "--db", url.href];
    },
  },
  {
    name: "a private channel that is refused to anon",
    ...{ expect: "topic_policy_missing", paste: /for select to anon\n/, ...mends },
    make: ({ stack, sql, after }) => {
      after(() => sql`drop policy if exists "anon may receive it's room:1" on realtime.messages`);
      return [stack.info.API_URL, "--db", stack.info.DB_URL, "--topic", "it's room:1"];
    },
  },
  {
    name: "the same to a signed-in user, whose role the paste names without a database",
    ...{ expect: "private_refused", paste: /for select to authenticated\n.*'room:1'/ },
    ...mends,
    async make({ stack, sql, after }) {
      after(() =>
        sql`drop policy if exists "authenticated may receive room:1" on realtime.messages`
      );
      const token = await signIn(stack.info);
      return [stack.info.API_URL, "--topic", "room:1", "--token", token];
    },
  },
  {
    name: "migrations that left a policy to its owner, who then makes it as it is printed",
    ...{ expect: "migrations_closed", says: /rights that this database's user does not have/ },
    ...{
      paste: /^-- as supabase_realtime_admin\ncreate policy/,
      pasteAs: "supabase_realtime_admin",
    },
    async make({ stack, sql }) {
      await sql`drop policy "clicks of visible links can be received" on realtime.messages`;
      return [stack.info.API_URL, "--quick", "--db", stack.info.DB_URL];
    },
  },
  {
    name: "migrations that need rights which this role does not have",
    ...{ expect: "migrations_closed", says: /rights that this database's user does not have/ },
    ...{ paste: /grant supabase_realtime_admin to postgres/, never: /Run supabase db push/ },
    async make(stage) {
      const { sql, after } = stage;
      after(() => sql`grant supabase_realtime_admin to postgres`);
      await sql`revoke supabase_realtime_admin from postgres`;
      return await asPostgres(stage);
    },
  },
  {
    name: "a schema relay of somebody else's, in which no migration makes anything",
    ...{ expect: "migrations_closed", says: /rights that this database's user does not have/ },
    ...{ paste: /grant usage, create on schema relay to postgres;/, never: /Run supabase db push/ },
    async make(stage) {
      const { sql, after } = stage;
      after(() => sql`alter schema relay owner to postgres`);
      await sql`alter schema relay owner to supabase_admin`;
      return await asPostgres(stage);
    },
  },
  {
    name: "a database in which the schema relay is not there, and may not be made",
    ...{ expect: "migrations_closed", says: /rights that this database's user does not have/ },
    ...{ paste: /create schema relay authorization postgres;/, never: /Run supabase db push/ },
    async make(stage) {
      const { sql, after } = stage;
      const [{ database, owner }] = await sql`
        select datname as database, pg_get_userbyid(datdba) as owner
        from pg_database where datname = current_database()
      `;
      after(async () => {
        await sql`alter schema relay_away rename to relay`;
        await sql`alter database ${sql(database)} owner to ${sql(owner)}`;
        await sql`grant create on database ${sql(database)} to postgres`;
      });
      await sql`alter schema relay rename to relay_away`;
      await sql`alter database ${sql(database)} owner to supabase_admin`;
      await sql`revoke create on database ${sql(database)} from postgres`;
      return await asPostgres(stage);
    },
  },
];

/** As the role that migrates, by which those behind 20261121000005 were not applied. */
async function asPostgres({ stack, sql, after }: Stage): Promise<string[]> {
  const { API_URL, DB_URL } = stack.info;
  const lost = await sql`
    delete from supabase_migrations.schema_migrations where version > '20261121000005' returning *
  `;
  after(() => sql`insert into supabase_migrations.schema_migrations ${sql(lost)}`);
  after(() => sql`alter role postgres nologin`);
  await sql`alter role postgres login password 'of-these-moments'`;
  after(() => sql`revoke usage on schema supabase_migrations from postgres`);
  await sql`grant usage on schema supabase_migrations to postgres`;
  await sql`grant select on all tables in schema supabase_migrations to postgres`;
  const url = new URL(DB_URL);
  [url.username, url.password] = ["postgres", "of-these-moments"];
  return [API_URL, "--quick", "--db", url.href];
}
