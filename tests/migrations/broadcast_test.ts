import assert from "node:assert/strict";
import { ALICE, type Cluster, type Database, startCluster } from "../support/database.ts";

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

const click = (db: Database, slug = "open") =>
  db.as("anon", {}, (sql) => sql`insert into url_clicks (slug) values (${slug})`);

const messages = async (db: Database) => [
  ...await db.admin`
    select topic, event, extension, private, payload from realtime.messages order by inserted_at`,
];

for (const slug of ["open", "alice"]) {
  Deno.test(`a click of anon on ${slug} is broadcast privately with id, slug and time`, async () => {
    await using db = await database();
    await click(db, slug);
    const [row] = await db.sql`select to_jsonb(c) as click from url_clicks c`;
    const { id, clicked_at } = row.click;
    assert.deepEqual(await messages(db), [{
      topic: `clicks:${slug}`,
      event: "click",
      extension: "broadcast",
      private: true,
      payload: { id, slug, clicked_at },
    }]);
  });
}

Deno.test("an opened link is broadcast as well, a target that was only asked for is not", async () => {
  await using db = await database();
  await db.as("anon", {}, (sql) => sql`select open_short_link('open')`);
  await db.as("anon", {}, (sql) => sql`select open_short_link('open', counted => false)`);
  assert.deepEqual((await messages(db)).map(({ topic }) => topic), ["clicks:open"]);
});

Deno.test("anon itself can send nothing, which is why the trigger runs as its owner", async () => {
  await using db = await database();
  const send = () =>
    db.as("anon", {}, (sql) => sql`select realtime.send('{}', 'x', 'clicks:open')`);
  await send();
  assert.deepEqual(await messages(db), []);
});

const failures: Record<string, string> = {
  "no partition for today": `do $$ declare leaf regclass; begin
    for leaf in select inhrelid from pg_inherits where inhparent = 'realtime.messages'::regclass
    loop execute format('drop table %s', leaf); end loop; end $$`,
  "a trigger that raises": `
    create function realtime.refuse() returns trigger language plpgsql
      as $$ begin raise 'refused'; end $$;
    create trigger refuse before insert on realtime.messages
      for each row execute function realtime.refuse()`,
  "no realtime.send": "drop function realtime.send",
  "a realtime.send that fails an assertion": `
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
      returns void language plpgsql as $$ begin assert false, 'no'; end $$`,
  "no realtime.messages": "drop table realtime.messages cascade",
};

for (const [failure, statements] of Object.entries(failures)) {
  Deno.test(`a click survives a failing broadcast: ${failure}`, async () => {
    await using db = await database();
    await db.admin.unsafe(statements).simple();
    await click(db);
    const [{ count }] = await db.sql`select count(*)::int from url_clicks`;
    assert.equal(count, 1);
  });
}

Deno.test("a click survives, and does not wait for, a locked realtime.messages", async () => {
  await using db = await database();
  await db.admin.begin(async (lock) => {
    await lock`lock table realtime.messages in access exclusive mode`;
    await db.as("anon", {}, async (sql) => {
      // Only lest the test hang, if the broadcast waits for the lock.
      await sql`set local statement_timeout = '10s'`;
      await sql`insert into url_clicks (slug) values ('open')`;
    });
  });
  assert.match(db.notices.join("\n"), /canceling statement due to lock timeout/);
  const [{ count }] = await db.sql`select count(*)::int from url_clicks`;
  assert.equal(count, 1);
  assert.deepEqual(await messages(db), []);
});

Deno.test("a click survives a broadcast that runs into the statement timeout", async () => {
  await using db = await database();
  await db.admin.unsafe(`
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
      returns void language sql as 'select pg_sleep(60)'`);
  await db.as("anon", {}, async (sql) => {
    await sql`set local statement_timeout = '1s'`;
    await sql`insert into url_clicks (slug) values ('open')`;
  });
  const [{ count }] = await db.sql`select count(*)::int from url_clicks`;
  assert.equal(count, 1);
});
