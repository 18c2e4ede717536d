/** What the chosen migrations make by themselves, and what the one that takes them out leaves. */
import assert from "node:assert/strict";
import {
  type Choice,
  migrationsOf,
} from "../../packages/realtime-relay/init/migrations/choices.ts";
import { DROP_DEMO, undo } from "../../packages/realtime-relay/init/migrations/undo.ts";
import {
  ALICE,
  type Cluster,
  type Database,
  readMigrations,
  startCluster,
} from "../support/database.ts";
import { pushMigrations } from "../../tools/stack/migrate/supabase_cli.ts";
import { LONG } from "../support/long.ts";
import { inProject } from "./support/project.ts";

let cluster: Cluster | undefined;
Deno.test.beforeAll(async () => void (LONG && (cluster = await startCluster())));
Deno.test.afterAll(() => cluster?.stop());

const all: Choice[] = ["demo", "history", "revoke"];

/** A test on a database of its own, in the long form alone: it needs a server. */
const test = (name: string, fn: (db: Database) => Promise<void>) =>
  Deno.test({
    name: LONG ? name : `${name} (ignored: a full count)`,
    ignore: !LONG,
    async fn() {
      await using db = await cluster!.database("bare");
      await fn(db);
    },
  });

async function apply(db: Database, choices: Choice[]): Promise<void> {
  const texts = new Map(
    (await readMigrations()).map(({ name, text }) => [name.replace(/^\d+_|\.sql$/g, ""), text]),
  );
  for (const name of migrationsOf(new Set(choices))) {
    await db.sql.begin((transaction) => transaction.unsafe(texts.get(name)!).simple());
  }
}

const takeOut = (db: Database, choices: Choice[]) =>
  db.sql.begin((transaction) => transaction.unsafe(undo(new Set(choices)).sql).simple());

/** Auth's tables as a hosted project has them: postgres makes triggers there, and drops none. */
const addSessions = (db: Database) =>
  db.admin.unsafe(`
    create table auth.sessions (id uuid primary key default gen_random_uuid(), user_id uuid);
    alter table auth.users add banned_until timestamptz;
    alter table auth.sessions owner to supabase_auth_admin;
    grant select, trigger on auth.sessions to postgres;
    grant trigger on auth.users to postgres;
    insert into auth.sessions (user_id) values ('${ALICE.id}');`).simple();

/** What is there of functions, views, tables, sequences, policies and triggers, but for system's own. */
async function inventory(db: Database): Promise<string[]> {
  const rows = await db.admin<{ what: string }[]>`
    select p.oid::regprocedure::text as what from pg_proc p
      where p.pronamespace::regnamespace::text in ('public', 'relay')
    union all select 'relation ' || oid::regclass from pg_class
      where relnamespace::regnamespace::text in ('public', 'relay') and relkind in ('r', 'v', 'S')
    union all select 'policy ' || policyname from pg_policies where schemaname = 'realtime'
    union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
      and tgrelid in (select oid from pg_class where relnamespace = 'auth'::regnamespace)
    union all select 'schema ' || nspname from pg_namespace where nspname = 'relay'
    order by 1`;
  return rows.map(({ what }) => what);
}

for (const choices of [["history"], ["history", "revoke"], ["demo"], all] as Choice[][]) {
  test(`${choices.join(", ")}: applied to a project that has nothing else, and again`, async (db) => {
    await addSessions(db);
    await apply(db, choices);
    await apply(db, choices);
    if (choices.includes("revoke")) {
      assert.deepEqual([...await db.sql`select what from relay.left_open`], []);
    }
  });
}

test("the demo may come after the rest", async (db) => {
  await addSessions(db);
  await apply(db, ["history", "revoke"]);
  await apply(db, ["demo"]);
  assert.deepEqual([...await db.sql`select what from relay.left_open`], []);
  const [{ proconfig }] = await db.sql`
    select proconfig from pg_proc where proname = 'broadcast_url_click'`;
  assert.ok(proconfig.includes("TimeZone=UTC"), proconfig.join());
});

test("taken out where all is allowed, nothing is left, and it can come again", async (db) => {
  await addSessions(db);
  await db.admin`alter table auth.sessions owner to postgres`;
  await db.admin`alter table auth.users owner to postgres`;
  const before = await inventory(db);
  await apply(db, ["history", "revoke"]);
  assert.ok((await inventory(db)).length > before.length + 10);
  await takeOut(db, ["history", "revoke"]);
  assert.deepEqual(await inventory(db), before);
  assert.deepEqual(db.notices.filter((text) => /stay/.test(text)), []);
  await apply(db, ["history", "revoke"]);
});

test("taken out of a hosted project, triggers stay that do nothing, and their owner is told", async (db) => {
  await addSessions(db);
  await apply(db, ["history", "revoke"]);
  await takeOut(db, ["history", "revoke"]);
  const left = await inventory(db);
  assert.deepEqual(left.filter((what) => /relay|missed/.test(what)), [
    "relay.sessions_deleted()",
    "relay.users_banned()",
    "schema relay",
    "trigger relay_sessions_deleted",
    "trigger relay_users_banned",
  ]);
  assert.match(
    db.notices.join("\n"),
    /The triggers on Auth's tables stay, and do nothing\. Their owner drops them: drop trigger relay_sessions_deleted/,
  );
  await db.admin.begin(async (sql) => {
    await sql`set local role supabase_auth_admin`;
    await sql`delete from auth.sessions`;
    await sql`update auth.users set banned_until = now() + interval '1 day'`;
  });
  assert.deepEqual([...await db.admin`select from realtime.messages`], []);
});

test("triggers of one's own that broadcast rows keep what they call", async (db) => {
  await apply(db, ["history"]);
  await db.sql.unsafe(`
    create table public.orders (id int primary key, room int);
    create trigger tell after insert on public.orders
      for each row execute function relay.broadcast_row('orders:{room}');`).simple();
  await takeOut(db, ["history"]);
  assert.match(db.notices.join("\n"), /Triggers of yours still call relay\.broadcast_row\(\)/);
  await db.sql`insert into public.orders values (1, 7)`;
  const [{ topic }] = await db.admin`select topic from realtime.messages`;
  assert.equal(topic, "orders:7");
});

test("views and functions of one's own keep what they call, and the rest goes", async (db) => {
  await addSessions(db);
  await apply(db, ["history", "revoke"]);
  await db.sql.unsafe(`
    create view public.missed as select * from public.missed_messages('orders:7');
    create function public.throw_out(who uuid) returns void
      begin atomic select relay.end_sessions(who); end;`).simple();
  await takeOut(db, ["history", "revoke"]);
  assert.match(db.notices.join("\n"), /^What calls public\.missed_messages\(\) keeps it: /m);
  assert.match(db.notices.join("\n"), /^What calls relay\.end_sessions\(\) keeps it, .*: /m);
  await db.sql`select throw_out(${ALICE.id})`;
  await db.sql`select from missed`;
  assert.ok(!(await inventory(db)).some((what) => /broadcast_row|sent_columns/.test(what)));
});

test("out of a schema of another role's the rest goes, and the schema stays", async (db) => {
  await db.admin`create schema relay`;
  await db.admin`grant usage, create on schema relay to postgres`;
  const before = await inventory(db);
  await apply(db, ["demo", "history"]);
  await takeOut(db, ["demo", "history"]);
  await db.sql.unsafe(DROP_DEMO).simple();
  assert.deepEqual(await inventory(db), before);
  assert.match(db.notices.join("\n"), /The schema relay stays/);
});

for (const choices of [["demo"], ["demo", "history"], all] as Choice[][]) {
  test(`${choices.join(", ")}: the demo goes by the statements that remove prints`, async (db) => {
    const before = await inventory(db);
    await apply(db, choices);
    const { sql } = undo(new Set(choices));
    if (sql) await takeOut(db, choices);
    const [{ count }] = await db.sql`select count(*)::int from short_links`;
    assert.equal(count, 0, "they are still there");
    await db.sql.unsafe(DROP_DEMO).simple();
    assert.deepEqual(await inventory(db), before);
  });

  test(`${choices.join(", ")}: the same statements, run before that is pushed`, async (db) => {
    const before = await inventory(db);
    await apply(db, choices);
    await db.sql.unsafe(DROP_DEMO).simple();
    if (undo(new Set(choices)).sql) await takeOut(db, choices);
    assert.deepEqual(await inventory(db), before);
  });
}

test("the CLI pushes what init wrote, and what remove wrote behind it", (db) =>
  inProject({}, async (stage) => {
    await addSessions(db);
    const before = await inventory(db);
    await stage.init(["--with", "history,revoke"]);
    await pushMigrations(stage.folder, db.url);
    assert.deepEqual([...await db.sql`select what from relay.left_open`], []);
    await stage.remove();
    await pushMigrations(stage.folder, db.url);
    const left = (await inventory(db)).filter((what) => !before.includes(what));
    assert.ok(
      left.every((what) => /sessions_deleted|users_banned|schema relay/.test(what)),
      left.join(),
    );
    const [{ count }] = await db.sql`
      select count(*)::int from supabase_migrations.schema_migrations`;
    assert.equal(count, 6);
  }));
