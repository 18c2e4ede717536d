import assert from "node:assert/strict";
import {
  applyMigrations,
  type Cluster,
  readMigrations,
  startCluster,
} from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

Deno.test("a missing realtime.messages is an error that names the cure", async () => {
  await using db = await cluster.database("bare");
  await db.admin`drop table realtime.messages`;
  await assert.rejects(applyMigrations(db.sql), /Start Realtime on this database, open a channel/);
});

Deno.test("nothing in schema realtime changes but the policies of realtime.messages", async () => {
  await using db = await cluster.database("bare");
  const picture = async () => [
    ...await db.admin`
      select relname, relacl::text, relrowsecurity, relowner from pg_class
      where relnamespace = 'realtime'::regnamespace order by 1`,
    ...await db.admin`
      select proname, proacl::text, prosrc, proowner from pg_proc
      where pronamespace = 'realtime'::regnamespace order by 1`,
    ...await db.admin`select nspacl::text from pg_namespace where nspname = 'realtime'`,
    ...await db.admin`
      select tgname from pg_trigger join pg_class c on c.oid = tgrelid
      where relnamespace = 'realtime'::regnamespace`,
  ];
  const before = await picture();
  await applyMigrations(db.sql);
  assert.deepEqual(await picture(), before);
  const policies = await db.admin`
    select cmd, roles::text, tablename from pg_policies where schemaname = 'realtime'
    order by policyname`;
  assert.deepEqual([...policies], [
    { cmd: "SELECT", roles: "{anon,authenticated}", tablename: "messages" },
    { cmd: "SELECT", roles: "{anon}", tablename: "messages" },
  ]);
});

Deno.test("the only statements that name schema realtime: policies on messages, send and topic", async () => {
  for (const { name, text } of await readMigrations()) {
    for (const statement of statements(text)) {
      const rest = statement
        // Whether the table is there at all, and a table: read, and told.
        .replace(/to_regclass\('realtime\.messages'\)/g, "")
        .replace(/raise exception 'realtime\.messages is (missing|no table)[^']*'/g, "")
        .replace(/\brealtime\.(send|topic)\(/g, "")
        .replace(/\b(create|drop) policy [^;]*?\bon realtime\.messages\b/g, "")
        // What a client missed is read with the client's own rights.
        .replace(/\bfrom realtime\.messages as m\b/g, "")
        .replace(/set_config\('realtime\.topic', /g, "")
        // What is read of the catalog, to tell what is left to whom.
        .replace(/'realtime\.messages'::regclass/g, "")
        .replace(/'realtime\.messages has no policy for [^']*'/g, "")
        .replace(/owns realtime\.messages \(%\)/g, "")
        // Told, and never run here.
        .replace(/row level security of realtime\.messages is off/gi, "")
        .replace(
          /(?<=['/] *|runs: )alter table realtime\.messages enable row level security;/g,
          "",
        );
      assert.doesNotMatch(rest, /\brealtime\b/i, `${name}: ${statement}`);
    }
  }
});

/** The statements of a script without their comments; dollar-quoted bodies stay whole. */
function statements(text: string): string[] {
  const code = text.replace(/--.*$/gm, "");
  const found = code.match(/(?:\$\$[^]*?\$\$|'[^']*'|[^;])+/g) ?? [];
  return found.map((statement) => statement.trim()).filter(Boolean);
}
