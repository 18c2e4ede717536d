import assert from "node:assert/strict";
import { type Bench, openBench } from "./support/realtime.ts";
import { ids, listen, openWire } from "./support/wire.ts";
import { onlyLong } from "../support/long.ts";

/** Tables without row level security, that everybody may read. */
async function createTables(bench: Bench, ...definitions: string[]) {
  for (const definition of definitions) {
    const [name] = definition.split(" ");
    await bench.sql.unsafe(`
      create table public.${definition};
      grant select on public.${name} to anon, authenticated;
      alter publication supabase_realtime add table public.${name};
    `).simple();
  }
}

const open = async (bench: Bench, role = "anon") =>
  await openWire(bench, await bench.token({ role }));

Deno.test("a policy that fails is told to its subscriber, and costs nobody else a change", async () => {
  await using bench = await openBench();
  await createTables(bench, "risky (id int8 primary key, t text)", "other (id int8 primary key)");
  await bench.sql.unsafe(`
    alter table risky enable row level security;
    create policy fails on risky for select to anon using (1 / (length(t) - 3) > 0);
    create policy fine on risky for select to authenticated using (true);
  `).simple();
  const [victim, neighbour, elsewhere] = [
    await open(bench),
    await open(bench, "authenticated"),
    await open(bench),
  ];
  await listen(victim, "risky");
  await listen(neighbour, "risky");
  await listen(elsewhere, "other");
  await bench.sql.begin(async (sql) => {
    await sql`insert into risky values (1, 'abcd'), (2, 'abc'), (3, 'abcd')`;
    await sql`insert into other values (1)`;
  });
  assert.deepEqual(await ids(neighbour, 3), [1, 2, 3]);
  assert.deepEqual(await ids(elsewhere, 1), [1]);
  assert.deepEqual(await ids(victim, 2), [1, 3]);
  const { payload } = await victim.next("system");
  assert.deepEqual([payload.status, payload.extension], ["error", "postgres_changes"]);
  assert.match(payload.message, /division_by_zero.*division by zero/);
  assert.equal(neighbour.has("system") || elsewhere.has("system"), false);
});

Deno.test("a filter that fails is told to its subscriber, and costs nobody else a change", async () => {
  await using bench = await openBench();
  await createTables(bench, "lists (id int8 primary key, a int4[])");
  const [victim, neighbour] = [await open(bench), await open(bench)];
  await listen(victim, "lists", { filter: "a=is.null" });
  await listen(neighbour, "lists");
  await bench.sql`insert into lists values (1, '{1,2}'), (2, null)`;
  assert.deepEqual(await ids(neighbour, 2), [1, 2]);
  assert.deepEqual(await ids(victim, 1), [2]);
  assert.match(
    (await victim.next("system")).payload.message,
    /22P02 \(invalid_text_representation\) malformed array literal: "\[1, 2\]"$/,
  );
  assert.equal(neighbour.has("system"), false);
});

Deno.test("a change that cannot be read any more costs only those who listen to its table", async () => {
  await using bench = await openBench();
  await bench.sql`create type mood as enum ('ok')`;
  await createTables(bench, "moods (id int8 primary key, m mood)", "notes (id int8 primary key)");
  const [moods, notes] = [await open(bench), await open(bench)];
  await listen(moods, "moods");
  await listen(notes, "notes");
  // Once it is committed nobody knows any more what the first row's value means.
  await bench.sql.begin(async (sql) => {
    await sql`insert into notes values (1)`;
    await sql`insert into moods values (1, 'ok')`;
    await sql`insert into notes values (2)`;
    await sql`alter table moods drop column m`;
    await sql`drop type mood`;
    await sql`insert into moods values (2)`;
  });
  assert.deepEqual(await ids(notes, 2), [1, 2]);
  assert.deepEqual(await ids(moods, 1), [2]);
  assert.match((await moods.next("system")).payload.message, /^Unable to check a change of/);
  assert.deepEqual(bench.log.map(({ event }) => event), ["change_lost"]);
});

Deno.test("a role that was dropped gets nothing more, and the others all", async () => {
  await using bench = await openBench();
  await createTables(bench, "notes (id int8 primary key)");
  await bench.sql`create role passing`;
  await bench.sql`grant select on notes to passing`;
  const [passing, anon] = [await open(bench, "passing"), await open(bench)];
  await listen(passing, "notes");
  await listen(anon, "notes");
  await bench.sql`insert into notes values (1)`;
  assert.deepEqual([await ids(passing, 1), await ids(anon, 1)], [[1], [1]]);
  await bench.sql`drop owned by passing`;
  await bench.sql`drop role passing`;
  await bench.sql`insert into notes values (2)`;
  assert.deepEqual(await ids(anon, 1), [2]);
  const { payload } = await passing.next("postgres_changes");
  assert.deepEqual(payload.data.errors, ["Error 401: Unauthorized"]);
});

Deno.test({
  ...onlyLong("a large transaction reaches many subscribers whole, while others are served"),
  fn: async () => {
    await using bench = await openBench();
    await createTables(bench, "bulk (id int8 primary key, t text)");
    await bench.sql`alter table bulk enable row level security`;
    await bench.sql`create policy all_rows on bulk for select using (auth.uid() is not null)`;
    const wires = await Promise.all(Array.from({ length: 20 }, async (_, index) => {
      const sub = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
      const wire = await openWire(bench, await bench.token({ sub }));
      await listen(wire, "bulk");
      return wire;
    }));
    await bench.sql`insert into bulk select n, repeat('x', 500) from generate_series(1, 2000) n`;
    const caller = await open(bench);
    assert.equal((await caller.join("realtime:meanwhile")).status, "ok");
    for (const wire of wires) {
      const got = await ids(wire, 2000);
      assert.equal(got.every((id, index) => id === index + 1), true);
    }
  },
});

Deno.test("a table that is published by its root delivers under the root's name", async () => {
  await using bench = await openBench();
  await bench.sql.unsafe(`
    create table public.parts (id int8, region text, primary key (id, region))
      partition by list (region);
    create table public.parts_eu partition of public.parts for values in ('eu');
    grant select on public.parts, public.parts_eu to anon;
    alter publication supabase_realtime set (publish_via_partition_root = true);
    alter publication supabase_realtime add table public.parts;
  `).simple();
  const wire = await open(bench);
  await listen(wire, "parts");
  await bench.sql`insert into parts values (1, 'eu')`;
  const { payload: { data } } = await wire.next("postgres_changes");
  assert.deepEqual([data.table, data.record], ["parts", { id: 1, region: "eu" }]);
});

Deno.test("messages are kept for 72 hours, and dropped after", async () => {
  await using bench = await openBench();
  const { sql } = bench;
  const day = async (ago: number) => {
    const [{ name, from, to }] = await sql`
      select to_char(d, '"messages_"YYYY_MM_DD') as name, d::text as from, (d + 1)::text as to
      from (select (timezone('utc', now())::date - ${ago}::int) as d) x
    `;
    await sql.unsafe(`create table if not exists realtime.${name} partition of realtime.messages
      for values from ('${from}') to ('${to}')`);
    await sql`insert into realtime.messages (topic, extension, private, payload, event, inserted_at)
      values ('t', 'broadcast', true, ${sql.json({ ago })}, 'e', ${from}::timestamp + '23:59:59')`;
  };
  for (const ago of [2, 3, 4, 5]) await day(ago);
  await bench.restart();
  const kept = await sql`select payload ->> 'ago' as ago from realtime.messages order by 1`;
  assert.deepEqual(kept.map(({ ago }) => ago), ["2", "3"]);
});
