import assert from "node:assert/strict";
import { LONG } from "../support/long.ts";
import {
  ALICE,
  BOB,
  type Cluster,
  type Database,
  type Role,
  startCluster,
} from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

interface Message {
  id: string | null;
  event: string | null;
  payload: Record<string, unknown> | null;
  binary_payload: Uint8Array | null;
  inserted_at: Date;
}

interface Question {
  after_id?: string;
  since?: string;
  max_rows?: number;
  /** Of the session, as PostgREST sets it for `Prefer: timezone`. */
  timezone?: string;
}

/** What somebody missed, without the last row, which is checked. */
async function missed(
  db: Database,
  [role, sub]: [Role, string?],
  topic: string,
  { after_id, since = "1 hour", max_rows, timezone = "UTC" }: Question = {},
): Promise<Message[]> {
  const rows = await db.as(role, { sub }, async (sql) => {
    await sql`select set_config('timezone', ${timezone}, true)`;
    return await sql<Message[]>`
      select * from missed_messages(
        ${topic}, ${after_id ?? null}, now() - ${since}::interval, ${max_rows ?? null}
      )`;
  });
  const [last, ...others] = [...rows].reverse();
  assert.equal(last.id, null);
  assert.ok(Math.abs(last.inserted_at.getTime() - Date.now()) < 60_000, "the server's time");
  assert.ok(others.every(({ id }) => id !== null));
  return others.reverse();
}

const numbers = (messages: Message[]) => messages.map(({ payload }) => payload!.n);

/** Lets everybody read what begins with `open:`, and the user of its name what begins with `own:`. */
async function withPolicies(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql.unsafe(`
    create policy "open" on realtime.messages for select to anon, authenticated
      using (extension = 'broadcast' and (select realtime.topic()) like 'open:%');
    create policy "own" on realtime.messages for select to authenticated
      using (extension = 'broadcast' and (select realtime.topic()) = 'own:' || (select auth.uid())::text);
  `);
  return db;
}

const send = (db: Database, topic: string, n: number) =>
  db.sql`select realtime.send(jsonb_build_object('n', ${n}::int), 'e', ${topic}, true)`;

Deno.test("what the policies let somebody join is what they read, and no other topic's", async () => {
  await using db = await withPolicies();
  const [alices, bobs] = [`own:${ALICE.id}`, `own:${BOB.id}`];
  for (const topic of ["open:1", alices, bobs, "closed:1"]) {
    for (let n = 1; n <= 3; n++) await send(db, topic, n);
  }
  const readers: [Role, string?][] = [["anon"], ["authenticated", ALICE.id], ["service_role"]];
  const seen: Record<string, number[]> = {};
  for (const topic of ["open:1", alices, bobs, "closed:1"]) {
    seen[topic] = [];
    for (const reader of readers) seen[topic].push((await missed(db, reader, topic)).length);
  }
  assert.deepEqual(Object.values(seen), [[3, 3, 3], [0, 3, 3], [0, 0, 3], [0, 0, 3]]);
});

Deno.test("a policy that looks at the row shows the rows that it shows", async () => {
  await using db = await cluster.database("migrated");
  await db.sql.unsafe(`
    create policy "odd" on realtime.messages for select to anon
      using ((select realtime.topic()) = 'rows' and (payload ->> 'n')::int % 2 = 1)`);
  for (let n = 1; n <= 5; n++) await send(db, "rows", n);
  assert.deepEqual(numbers(await missed(db, ["anon"], "rows")), [1, 3, 5]);
  // One that raises is told as it would be by the channel.
  await db.sql.unsafe(`
    create policy "raises" on realtime.messages for select to authenticated
      using (extension = 'broadcast' and 1 / (select 0) = 1)`);
  await assert.rejects(missed(db, ["authenticated", ALICE.id], "rows"), /division by zero/);
});

Deno.test("a right that was withdrawn shows nothing, and once given back what is kept", async () => {
  await using db = await withPolicies();
  await send(db, "open:1", 1);
  await db.sql`drop policy "open" on realtime.messages`;
  await send(db, "open:1", 2);
  assert.deepEqual(await missed(db, ["anon"], "open:1"), []);
  await db.sql.unsafe(`create policy "open" on realtime.messages for select to anon
    using (extension = 'broadcast' and (select realtime.topic()) like 'open:%')`);
  assert.deepEqual(numbers(await missed(db, ["anon"], "open:1")), [1, 2]);
});

Deno.test("one transaction's messages keep their order, also behind rows that were rolled back", async () => {
  await using db = await withPolicies();
  await db.sql.begin(async (sql) => {
    for (let n = 1; n <= 60; n++) {
      await sql.savepoint(async (inner) => {
        await inner`select realtime.send('{"n": 0}', 'e', 'open:1', true)`;
        throw new Error("rolled back");
      }).catch(() => {});
      await sql`select realtime.send(jsonb_build_object('n', ${n}::int), 'e', 'open:1', true)`;
    }
  });
  const all = await missed(db, ["anon"], "open:1");
  const expected = Array.from({ length: 60 }, (_, n) => n + 1);
  assert.deepEqual(numbers(all), expected);
  const pages: unknown[] = [];
  let after: string | undefined;
  while (true) {
    const page = await missed(db, ["anon"], "open:1", { after_id: after, max_rows: 7 });
    if (page.length === 0) break;
    pages.push(...numbers(page));
    after = page.at(-1)!.id!;
  }
  assert.deepEqual(pages, expected);
});

Deno.test("a client's time zone moves nothing", async () => {
  await using db = await withPolicies();
  await db.sql`insert into short_links (slug, target_url) values ('zone', 'https://a.test/')`;
  await db.as("anon", {}, async (sql) => {
    await sql`select set_config('timezone', 'Pacific/Auckland', true)`;
    await sql`insert into url_clicks (slug) values ('zone')`;
  });
  await send(db, "open:1", 1);
  for (const timezone of ["UTC", "Pacific/Auckland", "America/Los_Angeles"]) {
    for (const topic of ["open:1", "clicks:zone"]) {
      const [message, ...more] = await missed(db, ["anon"], topic, { timezone, since: "1 minute" });
      assert.equal(more.length, 0, `${topic} ${timezone}`);
      assert.ok(Math.abs(message.inserted_at.getTime() - Date.now()) < 60_000);
    }
  }
});

Deno.test("a message that is not there any more is stood in for by the time; neither reads nothing", async () => {
  await using db = await withPolicies();
  for (let n = 1; n <= 3; n++) await send(db, "open:1", n);
  const gone = crypto.randomUUID();
  assert.equal((await missed(db, ["anon"], "open:1", { after_id: gone })).length, 3);
  const rows = await db.as("anon", {}, (sql) => sql`select * from missed_messages('open:1')`);
  assert.equal(rows.length, 1);
  const all = await missed(db, ["anon"], "open:1", { since: "1000 years" });
  assert.equal(all.length, 3);
});

Deno.test("bytes come as bytes, and pages are bounded in rows and in bytes", async () => {
  await using db = await withPolicies();
  await db.sql`select realtime.send_binary('\\x00ff'::bytea, 'b', 'open:1', true)`;
  const [{ binary_payload, payload }] = await missed(db, ["anon"], "open:1");
  assert.deepEqual([[...binary_payload!], payload], [[0, 255], null]);
  await db.sql`
    select realtime.send(jsonb_build_object('n', n, 'pad', repeat('x', 1500000)), 'e', 'open:big', true)
    from generate_series(1, 5) as n`;
  assert.equal((await missed(db, ["anon"], "open:big")).length, 2);
  await db.sql`
    select realtime.send(jsonb_build_object('n', n), 'e', 'open:many', true)
    from generate_series(1, 1200) as n`;
  for (const [asked, given] of [[5000, 1000], [0, 1], [-1, 1], [7, 7]]) {
    assert.equal((await missed(db, ["anon"], "open:many", { max_rows: asked })).length, given);
  }
});

const FOREIGN = LONG ? 3_000_000 : 100_000;

Deno.test(`among ${FOREIGN} messages of others a few are found, and nothing is read without a right`, async () => {
  await using db = await withPolicies();
  await db.admin`
    insert into realtime.messages (topic, extension, payload, event, private, inserted_at)
    select 'open:other' || n % 1000, 'broadcast', '{}', 'e', true,
      timezone('utc', now()) - n * interval '1 microsecond'
    from generate_series(1, ${FOREIGN}::int) as n`;
  for (let n = 1; n <= 3; n++) await send(db, "open:mine", n);
  assert.deepEqual(numbers(await missed(db, ["anon"], "open:mine")), [1, 2, 3]);
  const read = async (topic: string) => {
    const before = await reads(db);
    await missed(db, ["anon"], topic);
    return await reads(db) - before;
  };
  assert.equal(await read("closed:mine"), 0, "messages were looked through without a right");
});

/** How many rows of realtime.messages were fetched by whatever scan. */
async function reads(db: Database): Promise<number> {
  await db.admin`select pg_stat_force_next_flush()`;
  const [{ sum }] = await db.admin`
    select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as sum
    from pg_stat_user_tables where schemaname = 'realtime' and relname like 'messages_%'`;
  return sum;
}
