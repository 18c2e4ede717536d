import assert from "node:assert/strict";
import {
  type Choice,
  migrationsOf,
} from "../../packages/realtime-relay/init/migrations/choices.ts";
import { type Cluster, type Database, readMigrations, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const OTHERS_PUBLICATION = `drop publication if exists supabase_realtime;
  create publication supabase_realtime`;
const NO_POLICIES = "revoke supabase_realtime_admin from postgres";

/** What the role that migrates may not do, what makes it so, and who may: `none` of it are roles. */
const STATES: Record<string, [statements: string, whoMay: string[]]> = {
  "policies on realtime.messages": [NO_POLICIES, Array(2).fill("supabase_realtime_admin")],
  "changes of the publication": [OTHERS_PUBLICATION, ["supabase_admin"]],
  "either of them": [
    `${NO_POLICIES}; ${OTHERS_PUBLICATION}`,
    [...Array(2).fill("supabase_realtime_admin"), "supabase_admin"],
  ],
  // Its owner may not add the table, nor the table's owner change it.
  "changes of a publication that is a plain role's": [
    `${OTHERS_PUBLICATION}; do $$ begin
      if to_regrole('pubber') is null then create role pubber; end if;
      execute format('grant create on database %I to pubber', current_database());
    end $$; alter publication supabase_realtime owner to pubber`,
    ["a superuser"],
  ],
  "a publication, where there is none": [
    `create schema relay authorization postgres;
    drop publication if exists supabase_realtime;
    do $$ begin
      execute format('alter database %I owner to supabase_admin', current_database());
      execute format('revoke create on database %I from postgres, public', current_database());
    end $$; grant create on schema public to postgres`,
    ["a superuser"],
  ],
  "triggers on auth.sessions": [
    `create table auth.sessions (id uuid primary key, user_id uuid);
    alter table auth.sessions owner to supabase_auth_admin`,
    ["a superuser"],
  ],
  "triggers on auth.users": [
    `create table auth.sessions (id uuid primary key, user_id uuid);
    alter table auth.users add banned_until timestamptz;
    alter table auth.sessions owner to supabase_auth_admin;
    grant trigger on auth.sessions to postgres`,
    ["a superuser"],
  ],
};

/** As db push does: each migration in a transaction, in their order. */
async function push(db: Database): Promise<void> {
  for (const { name, text } of await readMigrations()) {
    await db.sql.begin((transaction) => transaction.unsafe(text).simple())
      .catch((error) => Promise.reject(new Error(`${name}: ${error.message}`, { cause: error })));
  }
}

interface Left {
  what: string;
  owner: string;
  statement: string;
}

const leftOpen = async (db: Database) => [
  ...await db.sql<Left[]>`select what, owner, statement from relay.left_open order by what`,
];

/** Runs a statement word by word, as the role that it is left to. */
const runAs = (db: Database, { owner, statement }: Left) =>
  db.admin.begin(async (sql) => {
    if (owner !== "a superuser") await sql.unsafe(`set local role ${owner}`);
    await sql.unsafe(statement).simple();
  });

/** Gives a database in this state; memberships belong to the server, not to a database. */
async function inState(statements: string, work: (db: Database) => Promise<void>): Promise<void> {
  await using db = await cluster.database("bare");
  try {
    await db.admin.unsafe(statements).simple();
    await work(db);
  } finally {
    await db.admin`grant supabase_realtime_admin to postgres`;
  }
}

const toldAgain = ({ notices }: Database) =>
  notices.filter((notice) => /yet|left to/i.test(notice));

for (const [what, [statements, whoMay]] of Object.entries(STATES)) {
  Deno.test(`a role that may not make ${what} gets the rest, and is told what is left to whom`, () =>
    inState(statements, async (db) => {
      await push(db);
      const [{ tables }] = await db.sql`
        select count(*)::int as tables from pg_tables where schemaname = 'public'`;
      assert.equal(tables, 3, "the tables are there");
      const left = await leftOpen(db);
      assert.deepEqual(left.map(({ owner }) => owner).sort(), whoMay.toSorted());
      for (const { owner, statement } of left) {
        assert.ok(
          db.notices.some((notice) => notice.includes(statement) && notice.includes(owner)),
          `${owner}: ${statement}\n${db.notices.join("\n")}`,
        );
      }
      for (const one of left) await runAs(db, one);
      await assertContent(db);
      await assertClicksCome(db);
    }));
}

/** Nothing is left, and the next push has nothing to say of it. */
async function assertContent(db: Database): Promise<void> {
  assert.deepEqual(await leftOpen(db), []);
  db.notices.length = 0;
  await push(db);
  assert.deepEqual(await leftOpen(db), []);
  assert.deepEqual(toldAgain(db), []);
}

/** The channel of a public link may be joined by anybody, and its table is published. */
async function assertClicksCome(db: Database): Promise<void> {
  await db.sql`insert into short_links (slug, target_url) values ('left', 'https://a.test/')`;
  await db.sql`select open_short_link('left', null, null)`;
  assert.equal(await clicksSeen(db), 1);
}

async function clicksSeen(db: Database): Promise<number> {
  const [{ count }] = await db.as("anon", {}, async (sql) => {
    await sql`select set_config('realtime.topic', 'clicks:left', true)`;
    return await sql`select count(*)::int from realtime.messages`;
  });
  return count;
}

const RLS = "alter table public.url_clicks enable row level security";

/** A url_clicks of a project's own which a publication would break, or show to everybody. */
const OWN_TABLES: Record<string, [table: string, told: RegExp]> = {
  "without a primary key": [
    `create table public.url_clicks (id uuid, t text); ${RLS}`,
    /has no primary key and is not published/,
  ],
  "whose primary key is deferrable": [
    `create table public.url_clicks (id uuid primary key deferrable, t text); ${RLS}`,
    /has no primary key and is not published/,
  ],
  "whose replica identity is nothing": [
    `create table public.url_clicks (id uuid primary key, t text); ${RLS};
    alter table public.url_clicks replica identity nothing`,
    /has no primary key and is not published/,
  ],
  "that is unlogged": [
    `create unlogged table public.url_clicks (id uuid primary key, t text); ${RLS}`,
    /is not logged and is not published/,
  ],
  "without row level security": [
    "create table public.url_clicks (id uuid primary key, t text)",
    /has no row level security and is not published/,
  ],
  "that is a view": [
    "create view public.url_clicks as select gen_random_uuid() as id, 'a' as t",
    /is no table and is not published/,
  ],
};

for (const [how, [statements, told]] of Object.entries(OWN_TABLES)) {
  Deno.test(`a url_clicks ${how} is left out on purpose: nothing is open, nothing to run`, async () => {
    await using db = await cluster.database("bare");
    await db.sql.unsafe(statements).simple();
    await push(db);
    assert.match(db.notices.join("\n"), told);
    assert.deepEqual(await leftOpen(db), []);
    if (how !== "that is a view") await db.sql`update url_clicks set t = 'b'`;
  });
}

Deno.test("a url_clicks of another role is left to who may change both it and the publication", () =>
  inState(`create table public.url_clicks (id uuid primary key, t text); ${RLS}`, async (db) => {
    await push(db);
    const [left, ...more] = await leftOpen(db);
    assert.deepEqual([left.owner, more], ["supabase_admin", []]);
    await runAs(db, left);
    assert.deepEqual(await leftOpen(db), []);
    db.notices.length = 0;
    await push(db);
    assert.deepEqual(db.notices.filter((it) => /published/.test(it)), []);
  }));

Deno.test("a url_clicks of these migrations that became another role's does not stop the next push", async () => {
  await using db = await cluster.database("migrated");
  await db.admin.unsafe(`alter table public.url_clicks owner to supabase_admin;
    alter publication supabase_realtime drop table public.url_clicks`).simple();
  await push(db);
  assert.match(db.notices.join("\n"), /url_clicks exists already, .* or of another role/);
  const [left, ...more] = await leftOpen(db);
  assert.deepEqual([left.owner, more], ["supabase_admin", []]);
  await runAs(db, left);
  assert.deepEqual(await leftOpen(db), []);
});

Deno.test("policies that the owner made under other names are policies: no push asks for them", () =>
  inState(NO_POLICIES, async (db) => {
    await push(db);
    for (const { owner, statement } of await leftOpen(db)) {
      const own = statement.replace(/^create policy "/, "$&my own: ");
      await runAs(db, { what: "", owner, statement: own });
    }
    await assertContent(db);
    await assertClicksCome(db);
  }));

Deno.test("policies for public, or one for each role, are policies as well", () =>
  inState(NO_POLICIES, async (db) => {
    await push(db);
    for (const [n, { owner, statement }] of (await leftOpen(db)).entries()) {
      const named = statement.replace(/"[^"]+"/, `"one ${n}"`);
      const roles = / to (.*)/.exec(named)![1].split(", ");
      const each = roles.length === 1
        ? [named.replace(/ to .*/, " to public")]
        : roles.map((role) => named.replace(/ to .*/, ` to ${role}`).replace("one", role));
      for (const one of each) await runAs(db, { what: "", owner, statement: one });
    }
    await assertContent(db);
    await assertClicksCome(db);
  }));

Deno.test("a policy of the right name that lets nobody in is none, and what is printed replaces it", () =>
  inState(NO_POLICIES, async (db) => {
    await push(db);
    await db.admin.unsafe(`
      create policy "clicks of visible links can be received" on realtime.messages
        for insert to authenticated with check (false);
      create policy "the relay hears which sessions ended" on realtime.messages
        for select to anon using (false)`).simple();
    assert.equal((await leftOpen(db)).length, 2);
    db.notices.length = 0;
    await push(db);
    assert.equal(toldAgain(db).length, 2);
    const left = await leftOpen(db);
    for (const one of left) {
      assert.ok(db.notices.some((notice) => notice.includes(one.statement)), one.statement);
      await runAs(db, one);
    }
    await assertContent(db);
    await assertClicksCome(db);
  }));

Deno.test("realtime.messages without row level security is named, with the line that turns it on", () =>
  inState(NO_POLICIES, async (db) => {
    await db.admin`alter table realtime.messages disable row level security`;
    await push(db);
    assert.match(
      db.notices.join("\n"),
      /row level security of realtime\.messages is off: every private channel is open/i,
    );
    const left = await leftOpen(db);
    assert.equal(left.length, 3);
    for (const one of left) await runAs(db, one);
    await assertContent(db);
    await assertClicksCome(db);
  }));

/** By the repository, and by `realtime-relay init`, which need not bring the demo's migrations. */
const CHOICES: Choice[][] = [["demo", "history", "revoke"], ["history", "revoke"]];

async function migrationsFor(choices: Choice[]) {
  const wanted = migrationsOf(new Set(choices));
  return (await readMigrations()).filter(({ name }) =>
    wanted.includes(name.replace(/^\d+_|\.sql$/g, ""))
  );
}

/** A schema in which nothing can be made: who is told to do what, after which the push goes on. */
const SCHEMAS: Record<string, [statements: string, told: RegExp]> = {
  "there is no schema relay, and none may be made": [
    `do $$ begin
      execute format('alter database %I owner to supabase_admin', current_database());
      execute format('revoke create on database %I from postgres, public', current_database());
    end $$; grant create on schema public to postgres`,
    /postgres may not make the schema relay.* Who may \((supabase_admin)\) runs: (create schema relay authorization postgres;)/,
  ],
  "the schema relay is somebody else's": [
    "create schema relay",
    /The schema relay belongs to supabase_admin, and postgres may make nothing in it.* Its owner \((supabase_admin)\), or a superuser, runs: (grant usage, create on schema relay to postgres;)/,
  ],
};

for (const [how, [statements, told]] of Object.entries(SCHEMAS)) {
  Deno.test(`where ${how}, a push says who does what, and goes on when it is done`, async () => {
    for (const choices of CHOICES) {
      await inState(statements, async (db) => {
        const some = async () => {
          for (const { text } of await migrationsFor(choices)) {
            await db.sql.begin((transaction) => transaction.unsafe(text).simple());
          }
        };
        const { message } = await some().then(() => assert.fail("it went on"), (error) => error);
        const [, owner, statement] = told.exec(message) ?? assert.fail(message);
        await runAs(db, { what: "", owner, statement });
        await some();
        await some();
      });
    }
  });
}

Deno.test("a realtime.messages that is no table is told in a sentence", async () => {
  for (const choices of CHOICES) {
    await using db = await cluster.database("bare");
    await db.admin.unsafe(`
      alter table realtime.messages rename to m0;
      create view realtime.messages as select * from realtime.m0`).simple();
    await assert.rejects(async () => {
      for (const { text } of await migrationsFor(choices)) {
        await db.sql.begin((transaction) => transaction.unsafe(text).simple());
      }
    }, /realtime\.messages is no table/);
  }
});

Deno.test("where Auth made its tables later, the role that migrates is named if it may", async () => {
  await using db = await cluster.database("migrated");
  await db.admin.unsafe(`
    create table auth.sessions (id uuid primary key, user_id uuid);
    alter table auth.users add banned_until timestamptz;
    grant trigger on auth.sessions to postgres`).simple();
  const who = async () => (await leftOpen(db)).map(({ owner }) => owner);
  assert.deepEqual(await who(), ["a superuser"]);
  await db.admin`grant trigger on auth.users to postgres`;
  assert.deepEqual(await who(), ["postgres"]);
  for (const one of await leftOpen(db)) await runAs(db, one);
  await assertContent(db);
});

Deno.test("a publication that went is made by the table's owner, where that may", async () => {
  await using db = await cluster.database("migrated");
  await db.admin`drop publication supabase_realtime`;
  const left = await leftOpen(db);
  assert.deepEqual(left.map(({ owner }) => owner), ["postgres"]);
  for (const one of left) await runAs(db, one);
  await assertContent(db);
});

Deno.test("what is left open outlives a realtime.messages that goes", async () => {
  await using db = await cluster.database("migrated");
  await db.admin`drop table realtime.messages cascade`;
  assert.deepEqual(await leftOpen(db), []);
});

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
