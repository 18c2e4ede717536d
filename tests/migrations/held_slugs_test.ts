import assert from "node:assert/strict";
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

/** What a client is told that takes a slug which is taken, by a link or by the messages of one. */
const TAKEN = { code: "23505" };

const run = (db: Database, statement: string, sub = BOB.id, role: Role = "authenticated") =>
  db.as(role, { sub }, (sql) => sql.unsafe(statement));

const take = (slug: string) =>
  `insert into short_links (slug, target_url) values ('${slug}', 'https://b.example')`;

/** Alice's link, private and opened once. Its channel holds a message. */
async function opened(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql`
    insert into short_links (slug, target_url, owner, is_public)
    values ('gone', 'https://a.example', ${ALICE.id}, false)`;
  await db.as("anon", {}, (sql) => sql`select open_short_link('gone')`);
  return db;
}

/** How many clicks on the slug a user may read again. */
async function clicksRead(db: Database, sub: string): Promise<number> {
  const rows = await db.as("authenticated", { sub }, (sql) =>
    sql`
    select from missed_messages('clicks:gone', null, now() - interval '1 hour') where id is not null`);
  return rows.length;
}

const TAKING: Record<string, [statement: string, role?: Role]> = {
  "by a new link": [take("gone")],
  "by a link that was there before under another slug": [
    "update short_links set slug = 'gone' where slug = 'older'",
  ],
  "by an upsert": [`${take("gone")} on conflict (slug) do update set title = 'x'`],
  "by a server that gives it": [
    `insert into short_links (slug, target_url, owner)
      values ('gone', 'https://b.example', '${BOB.id}')`,
    "service_role",
  ],
};

for (const [how, [statement, role]] of Object.entries(TAKING)) {
  Deno.test(`nobody gets another's clicks with the slug of a link that went: ${how}`, async () => {
    await using db = await opened();
    await run(db, take("older"));
    await run(db, "delete from short_links where slug = 'gone'", ALICE.id);
    await assert.rejects(run(db, statement, BOB.id, role), TAKEN);
    assert.equal(await clicksRead(db, BOB.id), 0);
  });
}

Deno.test("nor while it goes: who waits for the slug is refused once it is free", async () => {
  await using db = await opened();
  let taking: Promise<unknown>;
  await db.as("authenticated", { sub: ALICE.id }, async (going) => {
    await going`delete from short_links where slug = 'gone'`;
    let ended = false;
    taking = run(db, take("gone"));
    taking.catch(() => {}).finally(() => ended = true);
    const waits = () =>
      db.admin`select from pg_locks where locktype = 'transactionid' and not granted`;
    while (!ended && (await waits()).length === 0);
  });
  await assert.rejects(taking!, TAKEN);
  assert.equal(await clicksRead(db, BOB.id), 0);
});

Deno.test("nor with the slug of a link that was renamed, its clicks cleared away", async () => {
  await using db = await opened();
  await db.as("service_role", {}, (sql) => sql`delete from url_clicks`);
  await run(db, "update short_links set slug = 'elsewhere'", ALICE.id);
  await assert.rejects(run(db, take("gone")), TAKEN);
});

Deno.test("nor with the slugs of a user who is deleted", async () => {
  await using db = await opened();
  await db.admin.begin(async (sql) => {
    await sql`set local role supabase_auth_admin`;
    await sql`delete from auth.users where id = ${ALICE.id}`;
  });
  assert.equal((await db.sql`select from short_links`).length, 0);
  await assert.rejects(run(db, take("gone")), TAKEN);
});

Deno.test("its owner may have the slug again, and everybody once its messages are gone", async () => {
  await using db = await opened();
  await run(db, "delete from short_links", ALICE.id);
  await run(db, take("gone"), ALICE.id);
  assert.equal(await clicksRead(db, ALICE.id), 1);
  await run(db, "delete from short_links", ALICE.id);
  const [{ days }] = await db.sql`
    select extract(day from until - now())::int + 1 as days from held_slugs where slug = 'gone'`;
  assert.equal(days, 5);
  await db.sql`update held_slugs set until = now()`;
  await run(db, take("gone"));
});

Deno.test("the owner of the tables gives a slug to whom they like", async () => {
  await using db = await opened();
  await run(db, "delete from short_links", ALICE.id);
  await db.sql.unsafe(take("gone"));
});

Deno.test("what is held goes when its time is over, and is bounded for each owner", async () => {
  await using db = await cluster.database("migrated");
  await db.sql`
    insert into short_links (slug, target_url, owner)
    select 'n' || n, 'https://a.example', ${ALICE.id} from generate_series(1, 1200) as n`;
  const held = async () => (await db.sql`select slug from held_slugs`).map(({ slug }) => slug);
  await run(db, "delete from short_links", ALICE.id);
  assert.equal((await held()).length, 1000);
  await db.sql`update held_slugs set until = now() - interval '1 second'`;
  await run(db, take("mine"));
  await run(db, "delete from short_links");
  assert.deepEqual(await held(), ["mine"]);
});
