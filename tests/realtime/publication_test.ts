import assert from "node:assert/strict";
import { type Bench, DEADLINE_MS, openBench } from "./support/realtime.ts";
import { ids, listen, openWire } from "./support/wire.ts";

const open = async (bench: Bench) => await openWire(bench, await bench.token());

/** What each publication says of its tables: all of it but what the original reads past. */
async function published({ sql }: Bench) {
  const rows = await sql`
    select pubname, puballtables, pubinsert, pubupdate, pubdelete, pubviaroot,
      (select coalesce(string_agg(prrelid::regclass::text, ' ' order by prrelid), '')
        from pg_publication_rel where prpubid = p.oid) as tables,
      (select coalesce(string_agg(pnnspid::regnamespace::text, ' '), '')
        from pg_publication_namespace where pnpubid = p.oid) as schemas,
      exists (select from pg_publication_rel where prpubid = p.oid
        and (prqual is not null or prattrs is not null)) as narrowed
    from pg_publication p where pubname in ('supabase_realtime', 'local_realtime')
    order by pubname desc`;
  return rows.map(({ pubname, ...row }) => [pubname, row]);
}

Deno.test("the log is read through a publication that follows supabase_realtime", async (t) => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create schema elsewhere;
    create table public.parent (id int8 primary key, t text);
    create table public.child (primary key (id)) inherits (public.parent);
    create table public.other (id int8 primary key);
    create table elsewhere."a b" (id int8 primary key);
  `).simple();
  const steps = [
    "alter publication supabase_realtime add table only public.parent (id) where (id > 3)",
    'alter publication supabase_realtime add table public.other, elsewhere."a b"',
    "alter publication supabase_realtime set table public.parent, public.child",
    "alter publication supabase_realtime add tables in schema elsewhere",
    "alter publication supabase_realtime set (publish = 'update')",
    "alter publication supabase_realtime set (publish = '', publish_via_partition_root = true)",
    "drop table public.child",
    "drop schema elsewhere cascade",
    "drop publication supabase_realtime",
    "create publication supabase_realtime for all tables",
    "drop publication supabase_realtime",
    "create publication supabase_realtime for table public.other where (id > 3)",
  ];
  for (const step of steps) {
    await t.step(step, async () => {
      await bench.sql.unsafe(step).simple();
      const all = await published(bench);
      const [given, mirror] = [all.find(([name]) => name !== "local_realtime"), all.at(-1)!];
      const empty = { puballtables: false, tables: "", schemas: "" };
      const { narrowed: _, ...expected } = given?.[1] ?? { ...mirror[1], ...empty };
      assert.deepEqual(mirror, ["local_realtime", { ...expected, narrowed: false }]);
    });
  }
});

Deno.test("a role that owns the publication and is no superuser changes it", async () => {
  await using bench = await openBench();
  await bench.sql`create table public.mine (id int8 primary key)`;
  await bench.sql`alter table public.mine owner to postgres`;
  await bench.sql.begin(async (sql) => {
    await sql`set local role postgres`;
    await sql`alter publication supabase_realtime add table public.mine where (id > 3)`;
  });
  assert.deepEqual((await published(bench)).map((row) => (row[1] as { tables: string }).tables), [
    "mine",
    "mine",
  ]);
});

Deno.test("a publication that was dropped and made again is followed, and only as long as it is there", async () => {
  await using bench = await openBench();
  await createNotes(bench);
  const wire = await open(bench);
  await listen(wire, "notes");
  await bench.sql`drop publication supabase_realtime`;
  await bench.sql`insert into notes values (1)`;
  await bench.sql`create publication supabase_realtime for table notes`;
  await bench.sql`insert into notes values (2)`;
  assert.deepEqual(await ids(wire, 1), [2]);
  assert.equal(bench.log.some(({ event }) => event === "slot_renewed"), false);
});

Deno.test("a slot with log of a time before its publication is made anew", async () => {
  await using bench = await openBench();
  await createNotes(bench);
  await bench.sql`drop schema local_realtime cascade`;
  await bench.sql`drop publication local_realtime`;
  await bench.sql`insert into notes values (1)`;
  await bench.restart();
  const wire = await open(bench);
  await listen(wire, "notes");
  // What was committed before the new slot is lost, so rows go in until one comes out.
  const start = Date.now();
  while (!wire.has("postgres_changes") && Date.now() < start + DEADLINE_MS) {
    await bench.sql`insert into notes select max(id) + 1 from notes`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await wire.next("postgres_changes");
  assert.equal(bench.log.some(({ event }) => event === "slot_renewed"), true);
});

async function createNotes({ sql }: Bench) {
  await sql.unsafe(`
    create table public.notes (id int8 primary key);
    grant select on public.notes to anon;
    alter publication supabase_realtime add table public.notes;
  `).simple();
}

Deno.test("a backslash in a binding's schema or table is a letter", async () => {
  await using bench = await openBench();
  await bench.sql.unsafe(String.raw`
    create table public.lk_a (id int8 primary key);
    create table public."lk\_a" (id int8 primary key);
    grant select on public.lk_a, public."lk\_a" to anon;
    alter publication supabase_realtime add table public.lk_a, public."lk\_a";
  `).simple();
  const wire = await openWire(bench, await bench.token());
  await listen(wire, String.raw`lk\_a`);
  // The one behind tells that the first sent nothing.
  await bench.sql.unsafe(String.raw`insert into lk_a values (1); insert into "lk\_a" values (2)`);
  assert.deepEqual(await ids(wire, 1), [2]);
  await wire.join("realtime:other", {
    postgres_changes: [{ event: "*", schema: String.raw`pub\lic`, table: "lk_a" }],
  });
  assert.equal((await wire.next("system")).payload.status, "error");
  wire.close();
});
