import assert from "node:assert/strict";
import { ALICE, type Cluster, startCluster } from "../support/database.ts";

let cluster: Cluster;
Deno.test.beforeAll(async () => void (cluster = await startCluster()));
Deno.test.afterAll(() => cluster.stop());

Deno.test("auth.uid(), role(), email() and jwt() read the claims of a request", async () => {
  await using db = await cluster.database("bare");
  const claims = { sub: ALICE.id, email: ALICE.email };
  const ask = "select auth.uid(), auth.role(), auth.email(), auth.jwt()";
  const [row] = await db.as("authenticated", claims, (sql) => sql.unsafe(ask));
  assert.deepEqual({ ...row }, {
    uid: ALICE.id,
    role: "authenticated",
    email: ALICE.email,
    jwt: { role: "authenticated", ...claims },
  });
  const [nobody] = await db.sql.unsafe(ask);
  assert.deepEqual({ ...nobody }, { uid: null, role: null, email: null, jwt: null });
});

Deno.test("auth.uid(), role() and email() read the older settings, one a claim, as well", async () => {
  await using db = await cluster.database("bare");
  const [row] = await db.sql.begin(async (sql) => {
    await sql`
      select set_config('request.jwt.claim.sub', ${ALICE.id}, true),
        set_config('request.jwt.claim.role', 'anon', true),
        set_config('request.jwt.claim.email', 'a@a.example', true)`;
    return await sql`select auth.uid(), auth.role(), auth.email()`;
  });
  assert.deepEqual({ ...row }, { uid: ALICE.id, role: "anon", email: "a@a.example" });
});

Deno.test("authenticator becomes each role of a request, and is none of them by itself", async () => {
  await using db = await cluster.database("bare");
  await db.sql`create table public.t ()`;
  for (const role of ["anon", "authenticated", "service_role"] as const) {
    await db.as(role, {}, (sql) => sql`select from public.t`);
  }
  const itself = db.admin.begin(async (sql) => {
    await sql`set local role authenticator`;
    await sql`select from public.t`;
  });
  await assert.rejects(itself, { code: "42501" });
});

Deno.test("realtime.send() keeps an id of the payload, and adds the message's where there is none", async () => {
  await using db = await cluster.database("bare");
  await db
    .sql`select realtime.send('{"id": 7}', 'kept', 't'), realtime.send('{}', 'added', 't', false)`;
  const rows = await db.admin`
    select event, private, payload ->> 'id' = id::text as own, payload ->> 'id' as id
    from realtime.messages order by event desc`;
  assert.deepEqual([...rows], [
    { event: "kept", private: true, own: false, id: "7" },
    { event: "added", private: false, own: true, id: rows[1].id },
  ]);
});

Deno.test("realtime.send() turns an error into a warning", async () => {
  await using db = await cluster.database("bare");
  await db.sql`select realtime.send('{}', 'x', null)`;
  assert.match(db.notices.join(), /WarnSendingBroadcastMessage: null value in column "topic"/);
});

Deno.test("realtime.send_binary() stores bytes", async () => {
  await using db = await cluster.database("bare");
  await db.sql`select realtime.send_binary('\\x00ff', 'x', 't')`;
  const [row] = await db
    .admin`select payload, binary_payload::text, private from realtime.messages`;
  assert.deepEqual({ ...row }, { payload: null, binary_payload: "\\x00ff", private: true });
});

Deno.test("realtime.broadcast_changes() sends what a row trigger saw", async () => {
  await using db = await cluster.database("bare");
  await db.sql.unsafe(`
    create table public.t (a int);
    create function public.tell() returns trigger language plpgsql as $$ begin
      perform realtime.broadcast_changes('topic', tg_op, tg_op, tg_table_name, tg_table_schema,
        new, old, tg_level);
      return null;
    end $$;
    create trigger tell after insert or update or delete on public.t
      for each row execute function public.tell();
    insert into public.t values (1);
    update public.t set a = 2;
    delete from public.t;`).simple();
  const rows = await db.admin`select payload - 'id' as payload from realtime.messages`;
  const common = { schema: "public", table: "t" };
  assert.deepEqual(rows.map(({ payload }) => payload), [
    { ...common, operation: "INSERT", record: { a: 1 }, old_record: null },
    { ...common, operation: "UPDATE", record: { a: 2 }, old_record: { a: 1 } },
    { ...common, operation: "DELETE", record: null, old_record: { a: 2 } },
  ]);
});

Deno.test("messages have partitions from yesterday to three days ahead, older ones are dropped", async () => {
  await using db = await cluster.database("bare");
  await db.admin`create table realtime.messages_2020_01_01 partition of realtime.messages
    for values from ('2020-01-01') to ('2020-01-02')`;
  // One transaction, so one now(): the test may run at midnight.
  const [rows, expected] = await db.admin.begin(async (sql) => {
    await sql`select realtime.maintain_partitions()`;
    return [
      await sql`
        select replace(inhrelid::regclass::text, 'realtime.messages_', '') as day from pg_inherits
        where inhparent = 'realtime.messages'::regclass order by 1`,
      await sql`
        select to_char(timezone('utc', now())::date + n, 'YYYY_MM_DD') as day
        from generate_series(-1, 3) as n`,
    ];
  });
  assert.deepEqual([...rows], [...expected]);
  await assert.rejects(db.sql`select realtime.maintain_partitions()`, { code: "42501" });
});
