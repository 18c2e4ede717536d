import assert from "node:assert/strict";
import { ALICE, BOB, type Cluster, type Database, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const DENIED = { code: "42501" };
const alice = { sub: ALICE.id };

/** A database with a public link of nobody, a private link of Alice's, and a click on each. */
async function database(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql`
    insert into short_links (slug, target_url, owner, is_public) values
      ('open', 'https://open.example', null, true),
      ('alice', 'https://alice.example', ${ALICE.id}, false)`;
  await db.sql`insert into url_clicks (slug) values ('open'), ('alice')`;
  return db;
}

const visitors = [
  { name: "a stranger", role: "anon", claims: {}, sees: ["open"] },
  { name: "the owner", role: "authenticated", claims: alice, sees: ["alice", "open"] },
  { name: "another user", role: "authenticated", claims: { sub: BOB.id }, sees: ["open"] },
  { name: "a token without subject", role: "authenticated", claims: {}, sees: ["open"] },
  { name: "the service role", role: "service_role", claims: {}, sees: ["alice", "open"] },
] as const;

for (const { name, role, claims, sees } of visitors) {
  Deno.test(`${name} sees links, clicks and counts of: ${sees.join(", ")}`, async () => {
    await using db = await database();
    for (const relation of ["short_links", "url_clicks", "link_stats"]) {
      const rows = await db.as(role, claims, (sql) => sql`select slug from ${sql(relation)}`);
      assert.deepEqual(rows.map(({ slug }) => slug).sort(), sees, relation);
    }
  });

  Deno.test(`${name} adds clicks of existing links, visible or not, and of no other`, async () => {
    await using db = await database();
    const add = (slug: string) =>
      db.as(role, claims, (sql) => sql`insert into url_clicks (slug) values (${slug})`);
    await add("open");
    await add("alice");
    // The service role passes by the policy, and is stopped by the foreign key.
    const code = role === "service_role" ? "23503" : "42501";
    await assert.rejects(add("unknown"), { code });
    const [{ count }] = await db.sql`select count(*)::int from url_clicks`;
    assert.equal(count, 4);
  });

  Deno.test(`${name} cannot choose the id or the time of a click, or change it`, async () => {
    await using db = await database();
    for (
      const forgery of [
        "insert into url_clicks (slug, id) overriding system value values ('open', 99)",
        "insert into url_clicks (slug, clicked_at) values ('open', '2000-01-01')",
        "update url_clicks set clicked_at = '2000-01-01'",
        "truncate url_clicks",
        "select setval('url_clicks_id_seq', 99)",
      ]
    ) {
      await assert.rejects(db.as(role, claims, (sql) => sql.unsafe(forgery)), DENIED, forgery);
    }
  });
}

for (const { name, role, claims } of visitors.filter(({ role }) => role !== "service_role")) {
  Deno.test(`${name} opens public and private links, and each opening is counted`, async () => {
    await using db = await database();
    const [row] = await db.as(role, claims, (sql) =>
      sql`
        select open_short_link('open', 'news.example', 'DE') as open,
          open_short_link('alice') as alice, open_short_link('unknown') as unknown`);
    assert.deepEqual(
      { ...row },
      { open: "https://open.example", alice: "https://alice.example", unknown: null },
    );
    const clicks = await db.sql`
      select slug, referrer_host, country from url_clicks order by id offset 2`;
    assert.deepEqual([...clicks], [
      { slug: "open", referrer_host: "news.example", country: "DE" },
      { slug: "alice", referrer_host: null, country: null },
    ]);
  });
}

Deno.test("open_short_link(counted => false) tells the target and records nothing", async () => {
  await using db = await database();
  const [{ target }] = await db.as(
    "anon",
    {},
    (sql) => sql`select open_short_link('alice', counted => false) as target`,
  );
  assert.equal(target, "https://alice.example");
  const [{ count }] = await db.sql`select count(*)::int from url_clicks`;
  assert.equal(count, 2);
});

Deno.test("open_short_link() drops a referrer or country that does not fit, not the click", async () => {
  await using db = await database();
  for (const referrer of ["x".repeat(254), "https://a.example/path?q", "a b", "me@a.example", ""]) {
    await db.as("anon", {}, (sql) => sql`select open_short_link('open', ${referrer}, 'T1')`);
  }
  const clicks = await db.sql`select referrer_host, country from url_clicks order by id offset 2`;
  assert.deepEqual([...clicks], Array(5).fill({ referrer_host: null, country: null }));
});

Deno.test("a click holds a host of at most 253 characters and a country of two capitals", async () => {
  await using db = await database();
  const add = (click: object) =>
    db.as("anon", {}, (sql) => sql`insert into url_clicks ${sql(click)}`);
  await add({ slug: "open", referrer_host: "x".repeat(253), country: "DE" });
  for (
    const wrong of [
      { referrer_host: "x".repeat(254) },
      { referrer_host: "a.example/path" },
      { country: "de" },
      { country: "DEU" },
    ]
  ) {
    await assert.rejects(add({ slug: "open", ...wrong }), { code: "23514" });
  }
});

Deno.test("link_stats counts clicks and tells when the last one was", async () => {
  await using db = await database();
  await db.sql`insert into short_links (slug, target_url) values ('new', 'https://new.example')`;
  await db.sql`insert into url_clicks (slug) values ('open')`;
  const rows = await db.as("anon", {}, (sql) =>
    sql`
      select slug, clicks::int, last_clicked_at = (
        select max(clicked_at) from url_clicks where url_clicks.slug = link_stats.slug
      ) as last from link_stats order by slug`);
  assert.deepEqual([...rows], [
    { slug: "new", clicks: 0, last: null },
    { slug: "open", clicks: 2, last: true },
  ]);
});

Deno.test("link_stats tells whose links they are, and which clicks are counted", async () => {
  await using db = await database();
  const counted = (role: "anon" | "authenticated", claims: { sub?: string }) =>
    db.as(role, claims, (sql) =>
      sql`
        select slug, own, clicks = cardinality(newest_ids) and newest_ids = array(
          select id from url_clicks where url_clicks.slug = link_stats.slug order by id desc
        ) as told from link_stats order by slug`);
  await db.sql`insert into url_clicks (slug) values ('open'), ('alice'), ('alice')`;
  assert.deepEqual([...await counted("anon", {})], [{ slug: "open", own: false, told: true }]);
  assert.deepEqual([...await counted("authenticated", alice)], [
    { slug: "alice", own: true, told: true },
    { slug: "open", own: false, told: true },
  ]);
});
