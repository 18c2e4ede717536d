import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { migrate } from "../../tools/stack/migrate/migrate.ts";
import { supabase } from "../../tools/stack/migrate/supabase_cli.ts";
import {
  ALICE,
  BOB,
  type Cluster,
  type Database,
  readMigrations,
  startCluster,
} from "../support/database.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

// Without a network and with a cold npm cache there is none.
const there = await supabase(["db", "push", "--help"], "postgresql://127.0.0.1/none")
  .then(({ success }) => success, () => false);
const needsCli = {
  ignore: !there,
  missing: there ? "" : " (skipped: the Supabase CLI could not be had)",
};

Deno.test({
  name: `db push applies every migration once, and the links to try are there${needsCli.missing}`,
  ignore: needsCli.ignore,
  async fn() {
    await using db = await cluster.database("bare");
    const said: string[] = [];
    const run = () => migrate({ databaseUrl: db.url, progress: (what) => said.push(what) });
    await run();
    const applied = await db.sql`
      select version || '_' || name || '.sql' as file from supabase_migrations.schema_migrations
      order by version`;
    const names = (await readMigrations()).map(({ name }) => name);
    assert.deepEqual(applied.map(({ file }) => file), names);
    assert.deepEqual(said, [`applying ${names.length} migrations with the Supabase CLI`]);
    const links = await db.sql`select slug from short_links order by slug`;
    assert.deepEqual(links.map(({ slug }) => slug), ["alice", "docs", "realtime"]);
    // With nothing pending the CLI, which takes a second, is not started.
    await run();
    assert.equal(said.length, 1);
  },
});

Deno.test({
  name: `a failing db push is told in the database's words, without password${needsCli.missing}`,
  ignore: needsCli.ignore,
  async fn() {
    await using db = await cluster.database("bare");
    await db.admin`drop table realtime.messages`;
    await assert.rejects(migrate({ databaseUrl: db.url }), ({ message }: Error) => {
      assert.match(message, /^supabase db push failed:\nERROR: realtime\.messages is missing.*$/);
      assert.ok(!message.includes(new URL(db.url).password));
      return true;
    });
  },
});

Deno.test({
  name: `config.toml has no key that the CLI does not know${needsCli.missing}`,
  ignore: needsCli.ignore,
  async fn() {
    await using db = await cluster.database("migrated");
    const push = ["db", "push", "--dry-run", "--workdir", PROJECT];
    const { success, output } = await supabase(push, db.url);
    assert.ok(success, output);
    assert.doesNotMatch(output, /config\.toml/);
  },
});

Deno.test({
  name: `db push and the local Auth server's tables live together${needsCli.missing}`,
  ignore: needsCli.ignore,
  async fn() {
    await using db = await cluster.database("bootstrapped");
    await makeAuthTables(db);
    await migrate({ databaseUrl: db.url });
    await makeAuthTables(db);
    await db.sql`insert into auth.users ${db.sql([ALICE, BOB])}`;
    const add = { slug: "mine", target_url: "https://a.example", is_public: false };
    await db.as(
      "authenticated",
      { sub: ALICE.id },
      (sql) => sql`insert into short_links ${sql(add)}`,
    );
    const see = (sub: string) =>
      db.as("authenticated", { sub }, (sql) => sql`select from short_links where slug = 'mine'`);
    assert.equal((await see(ALICE.id)).length, 1);
    assert.equal((await see(BOB.id)).length, 0);
  },
});

async function makeAuthTables(db: Database): Promise<void> {
  const connection = createPostgresConnection({ url: `${db.url}?client_min_messages=warning` });
  const app = new App({
    connection,
    auth: { enabled: true, jwt_secret: "s".repeat(32), site_url: "http://127.0.0.1" },
  });
  await app.ensureSystemSchema();
  await connection.close();
}

Deno.test("seed.sql runs before and after the demo users exist, any number of times", async () => {
  await using db = await cluster.database("migrated");
  const seed = await Deno.readTextFile(new URL("../../supabase/seed.sql", import.meta.url));
  const owners = async () =>
    Object.fromEntries(
      (await db.sql`select slug, owner from short_links`).map(({ slug, owner }) => [slug, owner]),
    );
  await db.admin`delete from auth.users`;
  await db.sql.unsafe(seed).simple();
  assert.deepEqual(await owners(), { docs: null, realtime: null });
  await db.admin`insert into auth.users ${db.admin([ALICE, BOB])}`;
  await db.sql.unsafe(seed).simple();
  await db.sql.unsafe(seed).simple();
  assert.deepEqual(await owners(), { docs: null, realtime: null, alice: ALICE.id });
});
