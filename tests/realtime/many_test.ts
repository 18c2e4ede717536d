import assert from "node:assert/strict";
import type postgres from "postgres";
import { type Bench, openBench } from "./support/realtime.ts";
import { ids, listen, openWire } from "./support/wire.ts";

const USERS = 100;
const ROWS = 1000;
/** Rows of a burst, each in a transaction of its own. */
const BURST = 50;

Deno.test(`${USERS} users each get of ${ROWS} inserts what they may SELECT, and no row twice`, async () => {
  await using bench = await openBench();
  await createShared(bench);
  const users = Array.from({ length: USERS }, (_, index) => uuid(index));
  const wires = await Promise.all(users.map(async (sub) => {
    const wire = await openWire(bench, await bench.token({ role: "authenticated", sub }));
    await listen(wire, "shared");
    return wire;
  }));
  for (let first = 0; first < ROWS; first += BURST) {
    await Promise.all(
      Array.from({ length: BURST }, (_, index) => insert(bench.sql, users, first + index)),
    );
  }
  for (const [index, sub] of users.entries()) {
    const expected = await visibleTo(bench.sql, sub);
    const got = await ids(wires[index], expected.length);
    assert.deepEqual(got.toSorted((a, b) => a - b), expected, `user ${index}`);
  }
  // The last row is for everybody, so whatever was sent twice has come by then.
  await bench.sql`insert into shared (id, reader) values (${ROWS}, null)`;
  for (const wire of wires) {
    assert.deepEqual(await ids(wire, 1), [ROWS]);
    assert.equal(wire.has("postgres_changes"), false);
    wire.close();
  }
});

async function createShared(bench: Bench) {
  await bench.sql.unsafe(`
    create table public.shared (id int8 primary key, reader uuid);
    alter table public.shared enable row level security;
    create policy own on public.shared for select to authenticated
      using (reader is null or reader = auth.uid());
    grant select on public.shared to authenticated;
    alter publication supabase_realtime add table public.shared;
  `).simple();
}

const uuid = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

/** A row for one user by turns; every tenth is for all. */
function insert(sql: postgres.Sql, users: string[], id: number) {
  return sql`insert into shared values (${id}, ${id % 10 === 0 ? null : users[id % users.length]})`;
}

async function visibleTo(sql: postgres.Sql, sub: string): Promise<number[]> {
  return await sql.begin(async (sql) => {
    await sql`select set_config('role', 'authenticated', true),
      set_config('request.jwt.claims', ${JSON.stringify({ sub, role: "authenticated" })}, true)`;
    const rows = await sql`select id::int from shared order by id`;
    return rows.map(({ id }) => id);
  });
}
