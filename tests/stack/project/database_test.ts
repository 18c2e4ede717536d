import assert from "node:assert/strict";
import { join } from "node:path";
import postgres from "postgres";
import { attempt, leaveOut } from "../../../tools/stack/migrate/attempt.ts";
import { tellMissingCalls } from "../../../tools/stack/migrate/missing_calls.ts";
import { migrateProject } from "../../../tools/stack/migrate/project.ts";
import { type Postgres, startPostgres } from "../../../tools/stack/postgres/postgres.ts";
import { makeDirectory, withDirectory } from "../../support/directory.ts";
import { writeFiles } from "./support/files.ts";

let dataDir: string;
let server: Postgres;
/** As role postgres, which migrations run as. */
let sql: postgres.Sql;

Deno.test.beforeAll(async () => {
  dataDir = await makeDirectory();
  const settings = { fsync: "off", full_page_writes: "off" };
  server = await startPostgres({ dataDir, settings, forProject: true });
  sql = postgres(server.url, { max: 1, onnotice: () => {} });
});
Deno.test.afterAll(async () => {
  await sql.end();
  await server.stop();
  await Deno.remove(dataDir, { recursive: true });
});

/** Runs `work` as a signed-in user, and rolls back. */
async function asUser<T>(sub: string, work: (sql: postgres.TransactionSql) => Promise<T>) {
  let result: T;
  await sql.begin(async (transaction) => {
    const claims = JSON.stringify({ sub, role: "authenticated" });
    await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
    await transaction`set local role authenticated`;
    result = await work(transaction);
    throw "back";
  }).catch((error) => {
    if (error !== "back") throw error;
  });
  return result!;
}

Deno.test("role postgres creates what it may on hosted projects, and is no superuser", async () => {
  const names = ["moddatetime", "unaccent", "pg_trgm", "citext", "hstore", "ltree", "uuid-ossp"];
  const more = ["pgcrypto", "pg_stat_statements", "earthdistance", "dblink", "postgres_fdw"];
  for (const name of [...names, ...more, "btree_gist", "bloom", "tablefunc"]) {
    await sql.unsafe(`create extension if not exists "${name}" with schema extensions cascade`);
  }
  const [{ rolsuper }] = await sql`select rolsuper from pg_roles where rolname = current_user`;
  assert.equal(rolsuper, false);
  await sql.unsafe(`
    create table public.t (id int, updated_at timestamptz);
    create trigger t before update on public.t
      for each row execute function extensions.moddatetime (updated_at);
    insert into public.t values (1, null);
    update public.t set id = 2;
  `).simple();
  const [{ moved }] = await sql`select updated_at is not null as moved from public.t`;
  assert.equal(moved, true);
});

Deno.test("role postgres creates nothing that hosted projects forbid, nor what is not there", async () => {
  await assert.rejects(sql`create extension file_fdw`, { code: "42501" });
  await assert.rejects(sql`create extension vector`, { code: "0A000" });
  await assert.rejects(sql`create table storage.mine ()`, { code: "42501" });
});

Deno.test("role postgres sets what dumps and the documentation of hosted projects set", async () => {
  await sql.unsafe(`
    alter role authenticator set pgrst.db_pre_request = 'public.check';
    create table public.child (id int primary key, parent int references public.child);
    begin;
    set local session_replication_role = replica;
    insert into public.child values (1, 2), (2, null);
    commit;
    drop table public.child;
  `).simple();
});

Deno.test("storage: the functions for policies take paths apart", async () => {
  const [row] = await sql`
    select storage.foldername('a/b/c.tar.gz') as folder, storage.filename('a/b/c.tar.gz') as file,
      storage.extension('a/b/c.tar.gz') as extension, storage.foldername('c') as none,
      storage.allow_only_operation('object.upload') as unasked`;
  assert.deepEqual({ ...row }, {
    ...{ folder: ["a", "b"], file: "c.tar.gz", extension: "gz", none: [] },
    unasked: false,
  });
  await sql.begin(async (sql) => {
    await sql`select set_config('storage.operation', 'storage.object.upload', true)`;
    const [row] = await sql`
      select storage.allow_only_operation('object.upload') as short,
        storage.allow_any_operation(array['storage.object.list', 'storage.object.upload']) as any,
        storage.allow_any_operation(array['object.list']) as other`;
    assert.deepEqual({ ...row }, { short: true, any: true, other: false });
  });
});

Deno.test("storage: policies of role postgres decide who sees and makes which object", async () => {
  const alice = "a11ce000-0000-4000-8000-000000000001";
  await sql.unsafe(`
    insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
    create policy own on storage.objects for all to authenticated
      using (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text)
      with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text);
    create function public.noop() returns trigger language plpgsql as 'begin return new; end';
    create trigger noop before insert on storage.objects
      for each row execute function public.noop();
  `).simple();
  const add = (name: string) => (sql: postgres.TransactionSql) =>
    sql`insert into storage.objects (bucket_id, name) values ('avatars', ${name}) returning name`;
  assert.equal((await asUser(alice, add(`${alice}/me.png`))).length, 1);
  await assert.rejects(asUser(alice, add("bob/me.png")), { code: "42501" });
  const buckets = await asUser(alice, (sql) => sql`select from storage.buckets`);
  assert.equal(buckets.length, 0, "no policy, no rows");
});

const SQL = `-- Notes of a café.
begin;
create table notes (
  id int primary key,
  meaning vector(3)
);

create table tags (name text, colour tint);
select cron.schedule('nightly', '0 3 * * *', 'select 1');
create table kept (id int);
/* ü */ insert into kept
  values (1), ('two');
insert into kept values (3);
copy kept from stdin;
create extension nothing_of_that_name;
commit;`;

Deno.test("attempt() gives each statement that fails with its line, and undoes all", async () => {
  const failures = await attempt(sql, SQL);
  assert.deepEqual(failures.map(({ line, message }) => [line, message]), [
    [
      5,
      'type "vector" does not exist (42704). No package brings pgvector, which hosted projects have.',
    ],
    [8, 'type "tint" does not exist (42704).'],
    [
      9,
      'schema "cron" does not exist (3F000). No package brings pg_cron, which hosted projects have.',
    ],
    [12, 'invalid input syntax for type integer: "two" (22P02).'],
    [14, "COPY … FROM stdin works in psql alone: use INSERT."],
    [
      15,
      'extension "nothing_of_that_name" is not available (0A000). No package brings ' +
      "nothing_of_that_name: of extensions the stack has PostgreSQL's own contrib.",
    ],
  ]);
  const [{ kept }] = await sql`select to_regclass('public.kept') as kept`;
  assert.equal(kept, null);
});

Deno.test("attempt() says what role postgres may on hosted projects and not here", async () => {
  const failures = await attempt(
    sql,
    `create function public.told() returns event_trigger language plpgsql as 'begin end';
    create publication everything for all tables;
    create publication much for tables in schema public;
    create event trigger told on ddl_command_end execute function public.told();
    create foreign data wrapper elsewhere;
    create role mighty superuser;`,
  );
  const why = "Hosted projects allow it by the extension supautils, which no package brings.";
  assert.deepEqual(failures.map(({ line, message }) => [line, message.endsWith(` ${why}`)]), [
    ...[[2, true], [3, true], [4, true], [5, true]],
    [6, false],
  ]);
});

Deno.test("attempt() says nothing of what fails in its transaction alone", async () => {
  const text = "create table public.large (id int);\n" +
    "create index concurrently on public.large (id);\nvacuum public.large;\nselect 1 / 0;";
  assert.deepEqual((await attempt(sql, text)).map(({ line }) => line), [4]);
});

Deno.test("functions that name what is not there are told, though Postgres makes them", async () => {
  await sql.unsafe(`
    create function public.notify() returns trigger language plpgsql as $$ begin
      perform net.http_post('https://example.net/hook', '{}'); return new;
    end $$;
    create function public.secret() returns text language plpgsql as $$ begin
      return (select decrypted_secret from vault.decrypted_secrets limit 1);
    end $$;
    create function public.harmless() returns text language sql as $$ select 'example.net.au' $$;
  `).simple();
  assert.deepEqual(await tellMissingCalls(sql), [
    "notify() names net.http_post, which no package brings: it fails when it runs.",
    "secret() names vault.decrypted_secrets, which no package brings: it fails when it runs.",
  ]);
  await sql`create schema net`;
  assert.equal((await tellMissingCalls(sql)).length, 1);
});

Deno.test("attempt() keeps what did not fail, if it is asked to", async () => {
  await attempt(sql, SQL, (failures) => failures.length > 0);
  assert.deepEqual([...await sql`select id from public.kept`], [{ id: 3 }]);
});

Deno.test("leaveOut() takes out what failed and keeps every line where it was", async () => {
  const rest = leaveOut(SQL, await attempt(sql, SQL));
  assert.deepEqual(await attempt(sql, rest), []);
  assert.equal(rest.split("\n").length, SQL.split("\n").length);
  assert.equal(rest.split("\n")[12], "insert into kept values (3);");
  assert.ok(!rest.includes("vector"));
});

Deno.test("a migration with blanks in its name is the one that is told, and not the one before", () =>
  withDirectory(async (directory) => {
    const files = {
      "migrations/20260101000000_first.sql": "create table public.blanks (id int);\n",
      "migrations/20260102000000_of two words.sql": "select 1;\nselect nowhere();\n",
    };
    await writeFiles(directory, files);
    const migrations = Object.keys(files).map((name) => join(directory, name));
    const project = { directory, migrations, seeds: [] };
    const [skipFailing, progress] = [false, () => {}];
    await assert.rejects(
      migrateProject({ project, databaseUrl: server.url, dataDir, skipFailing, progress }),
      /^Error: The migration 20260102000000_of two words\.sql cannot [^]*words\.sql:2: function nowhere/,
    );
  }));
