import assert from "node:assert/strict";
import {
  ALICE,
  type Cluster,
  type Database,
  type Role,
  startCluster,
} from "../support/database.ts";
import { RIGHTS, undoColumnGrants } from "./support/rights.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

const TOO_MANY = {
  code: "PT413",
  message: "A request adds at most 10 rows to url_clicks.",
  hint: "Send the rows in several requests, or from a server with the secret key.",
};

async function database(): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql`
    insert into short_links (slug, target_url) values
      ('open', 'https://open.example'), ('other', 'https://other.example')`;
  return db;
}

const run = (db: Database, statement: string, role: Role = "anon") =>
  db.as(role, role === "authenticated" ? { sub: ALICE.id } : {}, (sql) => sql.unsafe(statement));

const rows = (count: number, slug = "open") =>
  `insert into url_clicks (slug) select '${slug}' from generate_series(1, ${count})`;

async function clicks({ sql }: Database): Promise<number> {
  return (await sql`select count(*)::int from url_clicks`)[0].count;
}

async function messages({ admin }: Database): Promise<number> {
  return (await admin`select count(*)::int from realtime.messages`)[0].count;
}

for (const [state, prepare] of Object.entries(RIGHTS)) {
  for (const role of ["anon", "authenticated"] as const) {
    Deno.test(`${role}, ${state}: a request adds ten clicks, and of more not one`, async () => {
      await using db = await database();
      await prepare(db);
      await run(db, rows(10), role);
      for (const count of [11, 5000]) await assert.rejects(run(db, rows(count), role), TOO_MANY);
      assert.deepEqual([await clicks(db), await messages(db)], [10, 10]);
      await run(db, rows(10), role);
      assert.equal(await clicks(db), 20);
    });
  }
}

Deno.test("what is refused costs no more than what is not: 5,000 rows as few as eleven", async () => {
  await using db = await database();
  await assert.rejects(run(db, rows(5000)), TOO_MANY);
  // Each row that was looked at took an id or two.
  const [{ id }] = await db.sql`select nextval('url_clicks_id_seq')::int as id`;
  assert.ok(id <= 23, `${id} ids`);
});

const values = (count: number) => Array(count).fill("('open')").join();
const manyRows: Record<string, string> = {
  "a list of values": `insert into url_clicks (slug) values ${values(11)}`,
  "two links": `insert into url_clicks (slug) select slug from short_links, generate_series(1, 6)`,
  "ON CONFLICT": `${rows(11)} on conflict do nothing`,
  "RETURNING": `${rows(11)} returning id`,
  "two parts of one statement": `with first as (${rows(6)} returning 1) ${rows(6, "other")}`,
  "a function of the project, with its caller's rights": "select report(11)",
  "a function of the project, with its owner's rights": "select report_as_owner(11)",
  "MERGE": `merge into url_clicks using generate_series(1, 11) on false
    when not matched then insert (slug) values ('open')`,
};

for (const [form, statement] of Object.entries(manyRows)) {
  Deno.test(`more than ten clicks are refused in every form: ${form}`, async () => {
    await using db = await database();
    await db.sql.unsafe(`
      create function report(count int) returns void language sql
        as $$ insert into url_clicks (slug) select 'open' from generate_series(1, count) $$;
      create function report_as_owner(count int) returns void language sql security definer
        as $$ insert into url_clicks (slug) select 'open' from generate_series(1, count) $$`)
      .simple();
    await assert.rejects(run(db, statement), TOO_MANY);
    assert.deepEqual([await clicks(db), await messages(db)], [0, 0]);
  });
}

Deno.test("COPY adds nothing: Postgres refuses it where there are policies", async () => {
  await using db = await database();
  const copy = db.as("anon", {}, async (sql) => {
    const sink = await sql`copy url_clicks (slug) from stdin`.writable();
    sink.end("open\n".repeat(11));
    await new Promise((resolve, reject) => sink.on("finish", resolve).on("error", reject));
  });
  await assert.rejects(copy, { code: "0A000" });
  assert.equal(await clicks(db), 0);
});

Deno.test("many statements of one transaction, as GraphQL has them, are one request", async () => {
  await using db = await database();
  const refused = db.as("anon", {}, async (sql) => {
    for (let count = 0; count < 11; count++) await sql.unsafe(rows(1));
  });
  await assert.rejects(refused, TOO_MANY);
  assert.equal(await clicks(db), 0);
});

Deno.test("rows that were taken back by a savepoint do not count", async () => {
  await using db = await database();
  await db.as("anon", {}, async (sql) => {
    await assert.rejects(sql.savepoint((inner) => inner.unsafe(rows(11))), TOO_MANY);
    await sql.unsafe(rows(10));
  });
  assert.equal(await clicks(db), 10);
});

Deno.test("open_short_link() opens the link always, and counts ten of one request's calls", async () => {
  await using db = await database();
  const opened = await run(db, "select open_short_link('open') from generate_series(1, 25)");
  assert.deepEqual(
    opened.map(({ open_short_link }) => open_short_link),
    Array(25).fill("https://open.example"),
  );
  assert.equal(await clicks(db), 10);
  assert.match(db.notices.join("\n"), /click on open was not recorded: A request adds at most 10/);
});

Deno.test("the server's key and the owner add as many clicks as they like", async () => {
  await using db = await database();
  await run(db, rows(500), "service_role");
  await db.sql.unsafe(rows(500));
  await db.sql.begin(async (sql) => {
    await sql`set local role postgres`;
    await sql.unsafe(rows(500));
  });
  assert.equal(await clicks(db), 1500);
});

Deno.test("a url_clicks that got another column since is bounded as well", async () => {
  await using db = await database();
  await db.sql`alter table url_clicks add device text`;
  await assert.rejects(run(db, rows(11)), TOO_MANY);
});

for (const role of ["anon", "authenticated", "service_role"] as const) {
  Deno.test(`${role} chooses neither the id nor the time of a click, column grants or none`, async () => {
    await using db = await database();
    await undoColumnGrants(db);
    await run(
      db,
      `insert into url_clicks (id, slug, clicked_at) overriding system value values
        (999, 'open', '2999-01-01'), (-1, 'open', '1999-01-01')`,
      role,
    );
    const forged = await db.sql`
      select from url_clicks where id not between 1 and 9 or clicked_at > now()
        or clicked_at < now() - interval '1 hour'`;
    assert.deepEqual([await clicks(db), forged.length], [2, 0]);
  });
}

Deno.test("the owner adds old clicks", async () => {
  await using db = await database();
  await db.sql`insert into url_clicks (slug, clicked_at) values ('open', '2001-01-01')`;
  const [{ year }] = await db
    .sql`select extract(year from clicked_at)::int as year from url_clicks`;
  assert.equal(year, 2001);
});
