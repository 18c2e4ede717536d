import assert from "node:assert/strict";
import { ALICE, BOB, type Cluster, type Database, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const DENIED = { code: "42501" };
const INVALID = { code: "23514" };
const alice = { sub: ALICE.id };
const bob = { sub: BOB.id };

/** Adds a link as Alice, who becomes its owner by default. */
function add(db: Database, link: object) {
  const complete = { target_url: "https://a.example", ...link };
  return db.as("authenticated", alice, (sql) => sql`insert into short_links ${sql(complete)}`);
}

Deno.test("a user's new link belongs to them and is public", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "mine" });
  const links = await db.sql`select slug, owner, is_public from short_links`;
  assert.deepEqual([...links], [{ slug: "mine", owner: ALICE.id, is_public: true }]);
});

Deno.test("nobody adds a link in another's name or without an owner, strangers add none", async () => {
  await using db = await cluster.database("migrated");
  await assert.rejects(add(db, { slug: "a", owner: BOB.id }), DENIED);
  await assert.rejects(add(db, { slug: "a", owner: null }), DENIED);
  const link = { slug: "a", target_url: "https://a.example" };
  const asStranger = db.as("anon", {}, (sql) => sql`insert into short_links ${sql(link)}`);
  await assert.rejects(asStranger, DENIED);
});

Deno.test("a user changes and deletes their own links and nobody else's", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "mine" });
  const change = (claims: object) =>
    db.as("authenticated", claims, (sql) => sql`update short_links set title = 'x'`);
  const remove = (claims: object) =>
    db.as("authenticated", claims, (sql) => sql`delete from short_links`);
  assert.equal((await change(bob)).count, 0);
  assert.equal((await remove(bob)).count, 0);
  assert.equal((await change(alice)).count, 1);
  assert.equal((await remove(alice)).count, 1);
  for (const statement of ["update short_links set title = 'x'", "delete from short_links"]) {
    await assert.rejects(db.as("anon", {}, (sql) => sql.unsafe(statement)), DENIED);
  }
});

Deno.test("a link cannot be given away", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "mine" });
  for (const owner of [BOB.id, null]) {
    const gift = db.as(
      "authenticated",
      alice,
      (sql) => sql`update short_links set owner = ${owner}`,
    );
    await assert.rejects(gift, DENIED);
  }
});

Deno.test("the service role adds, changes and deletes links of anybody", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "alices", is_public: false });
  await db.as("service_role", {}, async (sql) => {
    await sql`insert into short_links (slug, target_url) values ('nobodys', 'https://a.example')`;
    assert.equal((await sql`update short_links set title = 'x'`).count, 2);
    assert.equal((await sql`delete from short_links`).count, 2);
  });
});

Deno.test("deleting a link deletes its clicks, deleting a user their links", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "one" });
  await add(db, { slug: "two" });
  await db.sql`insert into url_clicks (slug) values ('one'), ('two')`;
  await db.as("authenticated", alice, (sql) => sql`delete from short_links where slug = 'one'`);
  assert.deepEqual([...await db.sql`select slug from url_clicks`], [{ slug: "two" }]);
  await db.admin`delete from auth.users where id = ${ALICE.id}`;
  assert.deepEqual([...await db.sql`select slug from url_clicks`], []);
});

Deno.test("a slug needs no escaping, a target is an http(s) address without blanks", async () => {
  await using db = await cluster.database("migrated");
  await add(db, { slug: "A-z_9", target_url: "HTTP://a.example/?q=%20#x" });
  for (const slug of ["", "a/b", "a b", "ä", "a:b", "x".repeat(65)]) {
    await assert.rejects(add(db, { slug }), INVALID, slug);
  }
  for (
    const target_url of [
      "javascript:alert(1)",
      "data:text/html,x",
      "//a.example",
      "https://",
      "https://a.example/ b",
      "https://a.example\r\nset-cookie: a=b",
      `https://${"x".repeat(2048)}`,
    ]
  ) {
    await assert.rejects(add(db, { slug: "a", target_url }), INVALID, target_url);
  }
});
