import assert from "node:assert/strict";
import { type Cluster, type Database, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

interface Change {
  operation: string;
  schema: string;
  table: string;
  record: Record<string, unknown> | null;
  old_record: Record<string, unknown> | null;
  seq: number;
  count?: number;
}

const sent = async (db: Database, topic: string) =>
  (await db.admin<{ payload: Change }[]>`
    select payload from realtime.messages where topic = ${topic} and private
    order by inserted_at, cmin::text::bigint`).map(({ payload }) => payload);

/** A table of orders, followed row by row or statement by statement. */
async function orders(how: "rows" | "statements", columns: string[] = []): Promise<Database> {
  const db = await cluster.database("migrated");
  await db.sql`create table orders (id bigint primary key, room text, state text, price numeric)`;
  const all = ["orders:{room}", ...columns].map((it) => `'${it}'`).join(", ");
  if (how === "statements") await db.sql.unsafe(`select relay.follow('orders', ${all})`);
  else {
    await db.sql.unsafe(`create trigger tell after insert or update or delete on orders
      for each row execute function relay.broadcast_row(${all})`);
  }
  return db;
}

for (const how of ["rows", "statements"] as const) {
  Deno.test(`${how}: each change of a row is told once, in its order, on the channel that its row names`, async () => {
    await using db = await orders(how, ["state"]);
    await db
      .sql`insert into orders values (1, 'a', 'new', 5), (2, 'b', 'new', 6), (3, null, 'x', 7)`;
    await db.sql`update orders set state = 'paid' where id = 1`;
    await db.sql`update orders set room = 'b' where id = 1`;
    await db.sql`delete from orders where id = 2`;
    await db.sql`update orders set room = null where id = 1`;
    const told = (changes: Change[]) =>
      changes.map(({ operation, record, old_record }) => [operation, record, old_record]);
    assert.deepEqual(told(await sent(db, "orders:a")), [
      ["INSERT", { id: 1, state: "new" }, null],
      ["UPDATE", { id: 1, state: "paid" }, { id: 1, state: "new" }],
      ["DELETE", null, { id: 1, state: "paid" }],
    ]);
    assert.deepEqual(told(await sent(db, "orders:b")), [
      ["INSERT", { id: 2, state: "new" }, null],
      ["INSERT", { id: 1, state: "paid" }, null],
      ["DELETE", null, { id: 2, state: "new" }],
      ["DELETE", null, { id: 1, state: "paid" }],
    ]);
    const all = [...await sent(db, "orders:a"), ...await sent(db, "orders:b")];
    const ofOne = all.filter(({ record, old_record }) => (record ?? old_record)!.id === 1);
    assert.equal(new Set(ofOne.map(({ seq }) => seq)).size, ofOne.length);
    assert.deepEqual(all[0].schema + "." + all[0].table, "public.orders");
    const [{ topics }] = await db.admin`
      select count(distinct topic)::int as topics from realtime.messages`;
    assert.equal(topics, 2, "a row whose channel has no name is told nowhere");
  });

  Deno.test(`${how}: a channel or a column that is not there never fails a write, and is warned of`, async () => {
    await using db = await orders(how);
    await db.sql`alter table orders rename column room to place`;
    await db.sql`insert into orders values (1, 'a', 'new', 5)`;
    assert.deepEqual(await sent(db, "orders:a"), []);
    assert.match(db.notices.join(), /not broadcast: The table has no column room/);
    await db.sql`alter table orders rename column place to room`;
    await db.admin`alter table realtime.messages rename to hidden`;
    await db.sql`insert into orders values (2, 'a', 'new', 5)`;
    await db.admin`alter table realtime.hidden rename to messages`;
    const [{ count }] = await db.sql`select count(*)::int from orders`;
    assert.equal(count, 2);
  });

  Deno.test(`${how}: who may write the table needs no right on what tells of it`, async () => {
    await using db = await orders(how);
    await db.sql`create policy "all" on orders for all to anon using (true) with check (true)`;
    await db.sql`alter table orders enable row level security`;
    await db.sql`grant select, insert on orders to anon`;
    await db.as("anon", {}, async (sql) => {
      await sql`select set_config('timezone', 'Pacific/Auckland', true)`;
      await sql`insert into orders values (1, 'a', 'new', 1.50)`;
    });
    assert.deepEqual((await sent(db, "orders:a")).map(({ record }) => record), [
      { id: 1, room: "a", state: "new", price: 1.5 },
    ]);
    const [{ late }] = await db.admin`
      select bool_or(inserted_at > timezone('utc', now()) + interval '1 minute') as late
      from realtime.messages`;
    assert.equal(late, false, "a client's time zone has moved a message");
  });

  Deno.test(`${how}: columns that a key's index only includes are no key: not sent unless named`, async () => {
    await using db = await orders(how, ["state"]);
    await db.sql.unsafe(`alter table orders drop constraint orders_pkey;
      alter table orders add primary key (id) include (price)`).simple();
    await db.sql`insert into orders values (1, 'a', 'new', 5)`;
    await db.sql`update orders set price = 6`;
    const told = (await sent(db, "orders:a")).map(({ operation, record }) => [operation, record]);
    const record = { id: 1, state: "new" };
    assert.deepEqual(told, [["INSERT", record], ["UPDATE", record]]);
  });
}

Deno.test("a channel hears of more than 200 rows of one statement by one message, others by each row", async () => {
  await using db = await orders("statements");
  await db.sql`
    insert into orders select n, case when n <= 9990 then 'bulk' else 'few' end, 's', n
    from generate_series(1, 10000) as n`;
  const [many, ...more] = await sent(db, "orders:bulk");
  assert.deepEqual([many.operation, many.count, more.length], ["MANY", 9990, 0]);
  assert.equal((await sent(db, "orders:few")).length, 10);
  await db.sql`update orders set state = 't' where room = 'few'`;
  assert.equal((await sent(db, "orders:few")).filter((it) => it.operation === "UPDATE").length, 10);
});

Deno.test("a row of a crowd is looked at once, whether it is new, changed or gone", async () => {
  await using db = await orders("statements");
  const ROWS = 1000;
  /** How often the relay's functions ran for a statement, counted by Postgres. */
  const calls = (statement: string) =>
    db.admin.begin(async (sql) => {
      await sql`set local track_functions = 'all'`;
      const count = async () =>
        (await sql`select coalesce(sum(pg_stat_get_xact_function_calls(oid)), 0)::int as calls
          from pg_proc where pronamespace = 'relay'::regnamespace`)[0].calls;
      const before = await count();
      await sql.unsafe(statement);
      return await count() - before;
    });
  const statements: [string, looks: number][] = [
    [`insert into orders select n, 'bulk', 's', n from generate_series(1, ${ROWS}) as n`, 1],
    // Once as it was, and once as it is.
    ["update orders set state = 't'", 2],
    ["delete from orders", 1],
  ];
  for (const [statement, looks] of statements) {
    const made = await calls(statement);
    assert.ok(made >= ROWS * looks, "Postgres did not count them");
    assert.ok(made < ROWS * looks + 20, `${statement}: ${made} calls`);
  }
  assert.deepEqual((await sent(db, "orders:bulk")).map(({ count }) => count), [ROWS, ROWS, ROWS]);
});

Deno.test("what cannot be followed is refused when it is asked for, in a sentence", async () => {
  await using db = await orders("statements");
  await db.sql`create table bare (a int)`;
  const wrong: [string, string, RegExp][] = [
    ["orders", "relay:{room}", /not with relay/],
    ["orders", "{room}", /begins with a name and a colon/],
    ["orders", "orders", /begins with a name and a colon/],
    // Each of these would be one channel for all rows, whose name nobody meant.
    ...["orders:{room", "orders:room}", "orders:{}"].map((
      template,
    ): [string, string, RegExp] => ["orders", template, /columns in braces/]),
    ["orders", "o:{nope}", /has no column nope/],
    ["bare", "bare:{a}", /no primary key/],
  ];
  for (const [table, template, message] of wrong) {
    await assert.rejects(db.sql`select relay.follow(${table}, ${template})`, message);
  }
  await assert.rejects(db.sql`select relay.follow('orders', 'o:{room}', 'nope')`, /no column nope/);
  // A second time is the same, with other columns.
  await db.sql`select relay.follow('orders', 'o:{room}', 'state')`;
  await db.sql`insert into orders values (1, 'a', 'new', 5)`;
  assert.deepEqual((await sent(db, "o:a")).map(({ record }) => record), [{ id: 1, state: "new" }]);
  assert.deepEqual(await sent(db, "orders:a"), []);
});

Deno.test("a trigger whose template is none, or no whole one, tells nobody and warns", async () => {
  await using db = await cluster.database("migrated");
  for (const [n, template] of ["", "'orders:{room'"].entries()) {
    await db.sql.unsafe(`
      create table t${n} (id int primary key, room text);
      create trigger tell after insert on t${n}
        for each row execute function relay.broadcast_row(${template})`).simple();
    db.notices.length = 0;
    await db.sql.unsafe(`insert into t${n} values (1, 'a')`);
    assert.match(db.notices.join(), /was not broadcast: The template of a channel/, template);
  }
  assert.deepEqual([...await db.admin`select topic from realtime.messages`], []);
});

Deno.test("statements: a table whose key went is told nowhere, and not each row with each other", async () => {
  await using db = await orders("statements");
  await db.sql`insert into orders select n, 'a', 's', n from generate_series(1, 3) as n`;
  await db.sql`alter table orders drop constraint orders_pkey`;
  await db.sql`update orders set state = 't'`;
  assert.deepEqual((await sent(db, "orders:a")).map(({ operation }) => operation), [
    ...["INSERT", "INSERT", "INSERT"],
  ]);
  assert.match(db.notices.join(), /not broadcast: orders has no primary key/);
});

Deno.test("writers that overlap end on the value that is the row's, by seq", async () => {
  await using db = await orders("rows");
  await db.sql`insert into orders values (1, 'a', '0', 0)`;
  const first = await db.sql.reserve();
  await first`begin`;
  await first`select now()`;
  await db.sql`update orders set state = 'before' where id = 1`;
  // Its transaction began before that change, and its own comes behind it.
  await first`update orders set state = 'last' where id = 1`;
  await first`commit`;
  first.release();
  const states = (await sent(db, "orders:a")).toSorted((a, b) => a.seq - b.seq);
  assert.deepEqual(states.map(({ record }) => record!.state), ["0", "before", "last"]);
});
