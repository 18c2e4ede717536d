import assert from "node:assert/strict";
import { Inbox, type Origin, type Scenarios, subscribed, type Vsn } from "./suite.ts";
import { ALICE } from "./suite.ts";

/** Row 5 is null but for its key. */
const ROWS = `
  (1, 1, 'apple', true, 'sad', '2026-01-01T00:00:00Z', 1.5),
  (2, 2, 'Banana', false, 'ok', '2026-01-02T00:00:00.000001Z', 2.50),
  (3, 3, 'a,b (c) "d" \\e', true, 'happy', '2026-01-03T00:00:00Z', 100),
  (4, 9007199254740993, '', false, 'ok', 'infinity', -1),
  (5, null, null, null, null, null, null)`;

/** Which rows pass, by their ids. */
const CASES: [filter: string, ids: number[]][] = [
  ["n=eq.2", [2]],
  ["n=neq.2", [1, 3, 4]],
  ["n=lt.2", [1]],
  ["n=lte.2", [1, 2]],
  ["n=gt.2", [3, 4]],
  ["n=gte.2", [2, 3, 4]],
  ["n=eq.9007199254740993", [4]],
  ["n=eq.9007199254740992", []],
  ["n=in.(1,3)", [1, 3]],
  ["n=is.null", [5]],
  ["n=isdistinct.2", [1, 3, 4, 5]],
  ["t=like.a%", [1, 3]],
  ["t=ilike.b%", [2]],
  ["t=match.^[ab]", [1, 3]],
  ["t=imatch.^[ab]", [1, 2, 3]],
  ["t=eq.", [4]],
  ['t=eq."a,b (c) \\"d\\" \\\\e"', [3]],
  ['t=in.("apple","a,b (c) \\"d\\" \\\\e")', [1, 3]],
  ["b=is.true", [1, 3]],
  ["b=is.false", [2, 4]],
  ["b=is.unknown", [5]],
  ["b=eq.yes", [1, 3]],
  ["m=gt.sad", [2, 3, 4]],
  ["ts=gt.2026-01-02", [2, 3, 4]],
  ["ts=lt.now", [1, 2, 3]],
  ["x=eq.2.5", [2]],
  ["n=not.eq.2", [1, 3, 4]],
  ["n=not.in.(1,3)", [2, 4]],
  ["n=not.is.null", [1, 2, 3, 4]],
  ["t=not.like.a%", [2, 4]],
  ["t=not.imatch.^a", [2, 4]],
  ["b=not.is.true", [2, 4, 5]],
  ["n=not.isdistinct.2", [2]],
  ["n=gte.2,n=lte.3", [2, 3]],
  ["n=gt.0, b=is.true ,t=not.is.null", [1, 3]],
  ["n=eq.1,n=eq.2", []],
  ["", [1, 2, 3, 4, 5]],
];

export const filterScenarios: Scenarios = Object.fromEntries(
  CASES.map(([filter, ids]) => [
    `the filter ${filter || "without text"} lets through what Postgres would`,
    async (origin, vsn) => {
      const seen = await observe(origin, vsn);
      assert.deepEqual(seen.get(filter), ids);
    },
  ]),
);

const observed = new Map<string, Promise<Map<string, number[]>>>();

/** The rows that each filter lets through, all seen at once on one channel. */
function observe(origin: Origin, vsn: Vsn): Promise<Map<string, number[]>> {
  const seen = observed.get(vsn) ?? subscribeAndInsert(origin, vsn);
  observed.set(vsn, seen);
  return seen;
}

async function subscribeAndInsert(origin: Origin, vsn: Vsn): Promise<Map<string, number[]>> {
  const table = await createTable(origin, vsn);
  const client = await origin.client(ALICE, vsn);
  const channel = client.channel(`suite-filters-${vsn}`);
  const seen = new Map(CASES.map(([filter]) => [filter, [] as number[]]));
  const all = new Inbox<number>();
  for (const [filter] of CASES) {
    channel.on(
      "postgres_changes",
      { event: "INSERT", schema: "public", table, filter },
      (change) => {
        const { id } = change.new as { id: number };
        seen.get(filter)!.push(id);
        if (filter === "") all.put(id);
      },
    );
  }
  await subscribed(channel);
  await origin.sql.unsafe(`insert into public.${table} values ${ROWS}`);
  await all.take(5, "all rows of the filter without text");
  return seen;
}

async function createTable({ sql }: Origin, vsn: Vsn): Promise<string> {
  const table = `suite_filters_${vsn[0]}`;
  await sql.unsafe(`
    create type public.${table}_mood as enum ('sad', 'ok', 'happy');
    create table public.${table} (
      id int8 primary key, n int8, t text, b bool, m public.${table}_mood, ts timestamptz, x numeric
    );
    alter publication supabase_realtime add table public.${table};
  `).simple();
  return table;
}
