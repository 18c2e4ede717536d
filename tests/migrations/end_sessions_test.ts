import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ALICE, BOB, type Cluster, type Database, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

/** Auth's tables as a hosted project has them: another role's, on which postgres may make triggers. */
async function withSessions(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.admin.unsafe(`
    create table auth.sessions (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references auth.users on delete cascade
    );
    alter table auth.users add banned_until timestamptz;
    alter table auth.sessions owner to supabase_auth_admin;
    grant select, trigger on auth.sessions to postgres;
    grant trigger on auth.users to postgres;
    insert into auth.sessions (user_id) select id from auth.users, generate_series(1, 3);
  `);
  await db.sql`select relay.watch_sessions()`;
  return db;
}

const hashOf = (id: string) => createHash("sha256").update(id).digest("hex");

/** What was told so far, as the relay reads it with the public key. */
async function told(db: Database): Promise<string[]> {
  const rows = await db.as("anon", {}, (sql) =>
    sql<{ payload: { sessions: string[] } | null }[]>`
      select payload from missed_messages('relay:sessions', null, now() - interval '1 hour')`);
  return rows.flatMap(({ payload }) => payload?.sessions ?? []).sort();
}

const sessionsOf = async (db: Database, { id }: { id: string }) =>
  (await db.admin<{ id: string }[]>`
    select id from auth.sessions where user_id = ${id}`).map((session) => session.id);

/** Runs it as what signs people in and out does. */
async function asAuth(db: Database, statement: string): Promise<void> {
  await db.admin.begin(async (sql) => {
    await sql`set local role supabase_auth_admin`;
    await sql.unsafe(statement);
  });
}

Deno.test("the end of sessions, a ban and a deletion are told by hashes of session ids alone", async () => {
  await using db = await withSessions();
  const [first, ...others] = await sessionsOf(db, ALICE);
  await asAuth(db, `delete from auth.sessions where id = '${first}'`);
  assert.deepEqual(await told(db), [hashOf(first)]);
  const bobs = await sessionsOf(db, BOB);
  await asAuth(db, `update auth.users set email = 'x' where id = '${BOB.id}'`);
  await asAuth(
    db,
    `update auth.users set banned_until = now() - interval '1 day' where id = '${BOB.id}'`,
  );
  assert.equal((await told(db)).length, 1, "nothing has ended");
  await asAuth(
    db,
    `update auth.users set banned_until = now() + interval '1 day' where id = '${BOB.id}'`,
  );
  assert.deepEqual(await told(db), [first, ...bobs].map(hashOf).sort());
  await asAuth(db, `delete from auth.users where id = '${ALICE.id}'`);
  assert.deepEqual(await told(db), [first, ...bobs, ...others].map(hashOf).sort());
  const [{ payloads }] = await db.admin`
    select string_agg(payload::text || event || topic, '') as payloads from realtime.messages`;
  for (const id of [ALICE.id, BOB.id, first, ...others, ...bobs]) {
    assert.ok(!payloads.includes(id) && !payloads.includes(hashOf(ALICE.id)));
  }
});

Deno.test("a server ends a user's sessions, or one of them; nobody else may", async () => {
  await using db = await withSessions();
  const [one, ...others] = await sessionsOf(db, ALICE);
  await db.as("service_role", {}, (sql) => sql`select relay.end_sessions(${ALICE.id}, ${one})`);
  assert.deepEqual(await told(db), [hashOf(one)]);
  await db.sql`select relay.end_sessions(${ALICE.id})`;
  assert.deepEqual(await told(db), [one, one, ...others].map(hashOf).sort());
  for (const role of ["anon", "authenticated"] as const) {
    await assert.rejects(
      db.as(role, { sub: ALICE.id }, (sql) => sql`select relay.end_sessions(${ALICE.id})`),
      /permission denied/,
    );
  }
});

Deno.test("nobody but the database speaks on relay:sessions, and only the public key hears it", async () => {
  await using db = await withSessions();
  await asAuth(db, "delete from auth.sessions");
  for (const role of ["anon", "authenticated"] as const) {
    await assert.rejects(
      db.as(role, { sub: ALICE.id }, async (sql) => {
        await sql`select set_config('realtime.topic', 'relay:sessions', true)`;
        await sql`insert into realtime.messages (topic, extension, payload, event, private)
          values ('relay:sessions', 'broadcast', '{}', 'ended', true)`;
      }),
      /row-level security/,
    );
  }
  const rows = await db.as(
    "authenticated",
    { sub: ALICE.id },
    (sql) => sql`select * from missed_messages('relay:sessions', null, now() - interval '1 hour')`,
  );
  assert.equal(rows.length, 1);
});

Deno.test("signing out goes on, whatever becomes of the message", async () => {
  await using db = await withSessions();
  await db.admin`alter table realtime.messages rename to hidden`;
  await asAuth(db, "delete from auth.sessions");
  await db.admin`alter table realtime.hidden rename to messages`;
  assert.equal((await sessionsOf(db, ALICE)).length, 0);
  await db.admin`insert into auth.sessions (user_id) select id from auth.users`;
  // The table is locked while partitions are made, for longer than a statement may take.
  const other = await db.admin.reserve();
  await other`begin`;
  await other`lock table realtime.messages in access exclusive mode`;
  await db.sql.begin(async (sql) => {
    await sql`set local statement_timeout = '5s'`;
    await sql`select 1`;
  });
  await asAuthWithTimeout(db, "delete from auth.sessions");
  await other`rollback`;
  other.release();
  assert.equal((await sessionsOf(db, ALICE)).length, 0, "the sign-out was undone");
});

async function asAuthWithTimeout(db: Database, statement: string): Promise<void> {
  const sql = await db.admin.reserve();
  try {
    await sql`begin`;
    await sql`set local role supabase_auth_admin`;
    // Shorter than the wait for the lock: the statement is cancelled within the trigger.
    await sql`set local statement_timeout = '200ms'`;
    await sql.unsafe(statement);
    await sql`commit`;
  } finally {
    sql.release();
  }
}
