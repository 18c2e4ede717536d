import assert from "node:assert/strict";
import {
  ALICE,
  BOB,
  type Cluster,
  type Database,
  startCluster,
  type Transaction,
} from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

async function database(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql`
    insert into short_links (slug, target_url, owner, is_public) values
      ('open', 'https://open.example', null, true),
      ('alice', 'https://alice.example', ${ALICE.id}, false)`;
  return db;
}

interface Question {
  role?: "anon" | "authenticated";
  sub?: string;
  topic: string;
  extension?: string;
  row?: string;
}

/** Asks as Realtime does: a message put on the topic, then looked for as the subscriber. */
async function mayReceive(db: Database, question: Question): Promise<boolean> {
  const { role = "anon", sub, topic, extension = "broadcast", row = topic } = question;
  const rollback = new Error("the question leaves no message behind");
  let seen = false;
  await db.admin.begin(async (sql) => {
    await sql`insert into realtime.messages (topic, extension) values (${row}, ${extension})`;
    await become(sql, role, sub, topic);
    const [{ exists }] = await sql`select exists (select from realtime.messages)`;
    seen = exists;
    throw rollback;
  }).catch((error) => assert.equal(error, rollback));
  return seen;
}

async function maySend(db: Database, { role = "anon", sub, topic, extension }: Question) {
  const rollback = new Error("the question leaves no message behind");
  return await db.admin.begin(async (sql) => {
    await become(sql, role, sub, topic);
    await sql`
      insert into realtime.messages (topic, extension) values (${topic}, ${
      extension ?? "broadcast"
    })`;
    throw rollback;
  }).catch((error) => {
    if (error !== rollback) assert.equal(error.code, "42501");
    return error === rollback;
  });
}

async function become(sql: Transaction, role: string, sub: string | undefined, topic: string) {
  const claims = JSON.stringify({ role, sub });
  await sql`
    select set_config('role', ${role}, true), set_config('request.jwt.claims', ${claims}, true),
      set_config('realtime.topic', ${topic}, true)`;
}

Deno.test("the clicks of a link can be received by whoever sees the link", async () => {
  await using db = await database();
  const user = { role: "authenticated" } as const;
  assert.ok(await mayReceive(db, { topic: "clicks:open" }));
  assert.ok(await mayReceive(db, { topic: "clicks:open", ...user, sub: BOB.id }));
  assert.ok(await mayReceive(db, { topic: "clicks:alice", ...user, sub: ALICE.id }));
  assert.ok(!await mayReceive(db, { topic: "clicks:alice", ...user, sub: BOB.id }));
  assert.ok(!await mayReceive(db, { topic: "clicks:alice", ...user }));
  assert.ok(!await mayReceive(db, { topic: "clicks:alice" }));
});

Deno.test("no other topic and no other extension is opened", async () => {
  await using db = await database();
  const user = { role: "authenticated", sub: ALICE.id } as const;
  for (
    const topic of ["clicks:unknown", "clicks:", "clicks", "open", "clicks:open:x", "xclicks:open"]
  ) {
    assert.ok(!await mayReceive(db, { topic }), topic);
    assert.ok(!await mayReceive(db, { topic, ...user }), topic);
  }
  assert.ok(!await mayReceive(db, { topic: "clicks:open", extension: "presence" }));
  // Who may listen to one topic does not see the messages of another.
  assert.ok(!await mayReceive(db, { topic: "clicks:open", row: "clicks:alice" }));
  assert.ok(!await mayReceive(db, { topic: "clicks:open", row: "room" }));
});

Deno.test("nobody sends on the channels of clicks", async () => {
  await using db = await database();
  for (const extension of ["broadcast", "presence"]) {
    assert.ok(!await maySend(db, { topic: "clicks:open", extension }));
    const user = { role: "authenticated", sub: ALICE.id } as const;
    assert.ok(!await maySend(db, { topic: "clicks:alice", extension, ...user }));
  }
});
