import assert from "node:assert/strict";
import { ALICE, BOB, type Cluster, type Database, startCluster } from "../support/database.ts";
import { RIGHTS, undoColumnGrants } from "./support/rights.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const DENIED = { code: "42501" };
const TOO_MANY = { code: "PT413", message: "A request adds at most 10 rows to short_links." };
const FULL = {
  code: "PT409",
  message: "A user has at most 100 links.",
  hint: "Delete links that are not needed, or add them from a server with the secret key.",
};

const run = (db: Database, statement: string, sub = ALICE.id) =>
  db.as("authenticated", { sub }, (sql) => sql.unsafe(statement));

/** So many new links of whoever adds them. */
const links = (count: number, prefix = crypto.randomUUID().slice(0, 8)) =>
  `insert into short_links (slug, target_url)
    select '${prefix}-' || n, 'https://a.example' from generate_series(1, ${count}) as n`;

/** So many links of this user, as they were there before. */
const given = ({ sql }: Database, count: number, owner = ALICE.id) =>
  sql`insert into short_links (slug, target_url, owner)
    select ${owner} || n, 'https://a.example', ${owner} from generate_series(1, ${count}) as n`;

async function count({ sql }: Database, owner = ALICE.id): Promise<number> {
  return (await sql`select count(*)::int from short_links where owner = ${owner}`)[0].count;
}

Deno.test("a user sets slug, target, title and publicity of a link, and may send them again", async () => {
  await using db = await cluster.database("migrated");
  const set = `insert into short_links (slug, target_url, title, is_public)
    values ('mine', 'https://a.example', 'A', false)`;
  await run(db, set);
  await run(db, "update short_links set target_url = 'https://b.example', title = 'B'");
  await run(db, "update short_links set is_public = true");
  await run(
    db,
    `${set} on conflict (slug) do update set slug = excluded.slug, title = excluded.title,
      target_url = excluded.target_url, is_public = excluded.is_public`,
  );
  const rows = await db.sql`select slug, target_url, title, is_public, owner from short_links`;
  assert.deepEqual([...rows], [
    {
      slug: "mine",
      target_url: "https://a.example",
      title: "A",
      is_public: false,
      owner: ALICE.id,
    },
  ]);
});

const forgeries = {
  "when it was made": `insert into short_links (slug, target_url, created_at)
    values ('forged', 'https://a.example', '2999-01-01')`,
  "in a later change": "update short_links set created_at = '2999-01-01'",
  "in an upsert": `insert into short_links (slug, target_url) values ('mine', 'https://a.example')
    on conflict (slug) do update set created_at = '2999-01-01'`,
};

for (const [place, forgery] of Object.entries(forgeries)) {
  Deno.test(`nobody says since when there is a link: ${place}`, async () => {
    await using db = await cluster.database("migrated");
    await run(
      db,
      "insert into short_links (slug, target_url) values ('mine', 'https://a.example')",
    );
    const [{ created_at }] = await db.sql`select created_at::text from short_links`;
    await assert.rejects(run(db, forgery), DENIED);
    await undoColumnGrants(db);
    await run(db, forgery);
    const [mine] = await db.sql`select created_at::text from short_links where slug = 'mine'`;
    assert.equal(mine.created_at, created_at);
    assert.equal((await db.sql`select from short_links where created_at > now()`).length, 0);
  });
}

Deno.test("the server's key and the owner say since when there is a link", async () => {
  await using db = await cluster.database("migrated");
  const old = (slug: string) =>
    `insert into short_links (slug, target_url, created_at)
    values ('${slug}', 'https://a.example', '2001-01-01')`;
  await db.as("service_role", {}, (sql) => sql.unsafe(old("a")));
  await db.sql.unsafe(old("b"));
  assert.equal(
    (await db.sql`select from short_links where created_at < '2002-01-01'`).length,
    2,
  );
});

for (const [state, prepare] of Object.entries(RIGHTS)) {
  Deno.test(`${state}: a user adds ten links at once, and has a hundred at most`, async () => {
    await using db = await cluster.database("migrated");
    await prepare(db);
    for (const many of [11, 20_000]) await assert.rejects(run(db, links(many)), TOO_MANY);
    for (let round = 0; round < 10; round++) await run(db, links(10));
    for (const more of [1, 10]) await assert.rejects(run(db, links(more)), FULL);
    assert.equal(await count(db), 100);
    // That is Alice's bound; and it is no ban.
    await run(db, links(1), BOB.id);
    await run(db, "delete from short_links where slug like '%-1'");
    await run(db, links(10));
    await assert.rejects(run(db, links(1)), FULL);
    assert.equal(await count(db), 100);
  });
}

Deno.test("of two requests at once one gets the last link", async () => {
  await using db = await cluster.database("migrated");
  await given(db, 99);
  let second: Promise<unknown>;
  await db.as("authenticated", { sub: ALICE.id }, async (first) => {
    await first.unsafe(links(1));
    let ended = false;
    second = run(db, links(1));
    second.catch(() => {}).finally(() => ended = true);
    // The first commits once the second waits for it, or wrongly did not.
    const waits = () => db.admin`select from pg_locks where locktype = 'advisory' and not granted`;
    while (!ended && (await waits()).length === 0);
  });
  await assert.rejects(second!, FULL);
  assert.equal(await count(db), 100);
});

Deno.test("who has more than a hundred from before keeps, changes and deletes them, and adds none", async () => {
  await using db = await cluster.database("migrated");
  await given(db, 150);
  assert.equal((await run(db, "update short_links set title = 'x'")).count, 150);
  await assert.rejects(run(db, links(1)), FULL);
  await run(db, "delete from short_links where slug like '%1'");
  assert.equal(await count(db), 135);
});

Deno.test("nobody learns how many links another has", async () => {
  await using db = await cluster.database("migrated");
  await undoColumnGrants(db);
  await given(db, 100, BOB.id);
  const forBob = `insert into short_links (slug, target_url, owner)
    values ('gift', 'https://a.example', '${BOB.id}')`;
  await assert.rejects(run(db, forBob), DENIED);
});

Deno.test("the server's key and the owner add as many links as they like", async () => {
  await using db = await cluster.database("migrated");
  await db.as("service_role", { sub: ALICE.id }, (sql) => sql.unsafe(links(500)));
  await given(db, 500);
  assert.equal((await db.sql`select from short_links`).length, 1000);
});
