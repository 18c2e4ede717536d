import type { Random } from "../../../relay/support/fuzz/random.ts";
import { ALICE, BOB, type Role } from "../../../support/database.ts";

/** What one request of the API does, all of it in one transaction. */
export interface Request {
  role: Role;
  claims: { sub?: string };
  statements: string[];
}

type Values = Record<string, readonly string[]>;

const TIMES = [
  ...["'2999-01-01'", "'1999-01-01'", "'infinity'", "'-infinity'", "null", "default"],
  ...["now() + interval '1 s'", "clock_timestamp() - interval '1 h'"],
];
const SLUGS = [
  ...["'open'", "'alice-1'", "'bob-1'", "'none'", "'renamed-' || n", "'new-' || n"],
];
const NEW_SLUG = "substr(md5(random()::text), 1, 8)";
const OWNERS = [`'${ALICE.id}'`, `'${BOB.id}'`, "null", "default", "auth.uid()"];

/** Values for each column, the first of them a good one; `n` is the number of the row. */
const COLUMNS: Record<"url_clicks" | "short_links", Values> = {
  url_clicks: {
    slug: SLUGS,
    id: ["1", "-n", "n", "99999", "default", "null", "9223372036854775807"],
    clicked_at: TIMES,
    referrer_host: ["'a.example'", "null", "'a/b'"],
    country: ["'CH'", "null", "'ch'"],
  },
  short_links: {
    slug: [NEW_SLUG, ...SLUGS],
    target_url: ["'https://a.example'", "'javascript:1'", "null"],
    title: ["'A'", "null", "'<b>' || n"],
    is_public: ["true", "false", "default"],
    owner: OWNERS,
    created_at: TIMES,
  },
};
/** What a request cannot do without. */
const NEEDED = { url_clicks: ["slug"], short_links: ["slug", "target_url"] };

type Table = keyof typeof COLUMNS;

/** Anybody's request: a few statements over both tables, most of them wrong in some way. */
export function makeRequest(random: Random): Request {
  const role = random.pick(["anon", "authenticated", "authenticated"] as const);
  const sub = random.pick([ALICE.id, ALICE.id, BOB.id, undefined]);
  const statements = Array.from(
    { length: 1 + random.below(random.oneIn(5) ? 15 : 3) },
    () => makeStatement(random),
  );
  return { role, claims: role === "anon" || !sub ? {} : { sub }, statements };
}

function makeStatement(random: Random): string {
  const table = random.pick(["url_clicks", "short_links"] as const);
  switch (random.below(12)) {
    case 0:
      return makeUpdate(random, table);
    case 1:
      return `delete from ${table}${makeWhere(random)}`;
    case 2:
      return `select open_short_link(${random.pick(SLUGS)}) from ${series(random)}`;
    case 3:
      return `with first as (${insert(random, table)} returning 1) ${makeInsert(random, table)}`;
    case 4:
      return makeMerge(random, table);
    case 5:
      return `with gone as (delete from ${table}${makeWhere(random)} returning *) ` +
        insert(random, table);
    default:
      return makeInsert(random, table);
  }
}

function makeInsert(random: Random, table: Table): string {
  const conflict = random.pick(["", "", "nothing", "update"]);
  const action = conflict === "update" ? `update set ${assignments(random, table)}` : conflict;
  const key = table === "short_links" ? "slug" : "id";
  return insert(random, table) + (action && ` on conflict (${key}) do ${action}`) +
    (random.oneIn(3) ? " returning *" : "");
}

/** So many rows of one shape, as a list of values or of a query. */
function insert(random: Random, table: Table): string {
  const columns = someColumns(random, table);
  const overriding = random.pick(["", "", "", "overriding system value", "overriding user value"]);
  const into = `insert into ${table} (${columns.join()}) ${overriding}`;
  const value = (column: string) => someValue(random, table, column);
  if (random.oneIn(2)) {
    const rows = Array.from(
      { length: random.pick([1, 1, 1, 2, 10, 11]) },
      (_, n) => `(${columns.map((name) => value(name).replace(/\bn\b/g, `${n}`)).join()})`,
    );
    return `${into} values ${rows.join()}`;
  }
  // A query has no word for what is not said.
  const values = columns.map((name) => value(name).replace("default", "null"));
  return `${into} select ${values.join()} from ${series(random)}`;
}

function makeUpdate(random: Random, table: Table): string {
  return `update ${table} set ${assignments(random, table)}${makeWhere(random)}`;
}

function makeMerge(random: Random, table: Table): string {
  const columns = someColumns(random, table);
  const values = columns.map((name) => random.pick(COLUMNS[table][name]));
  const found = random.pick(["do nothing", "delete", `update set ${assignments(random, table)}`]);
  return `merge into ${table} using ${series(random)} on ${table}.slug = 'new-' || n
    when matched then ${found}
    when not matched then insert (${columns.join()}) values (${values.join()})`;
}

/** For an update, where a row has no number. */
function assignments(random: Random, table: Table): string {
  const names = Object.keys(COLUMNS[table]).filter(() => random.oneIn(4));
  const set = names.length > 0 ? names : [random.pick(Object.keys(COLUMNS[table]))];
  return set.map((name) => `${name} = ${random.pick(COLUMNS[table][name]).replace(/\bn\b/g, "7")}`)
    .join();
}

function someColumns(random: Random, table: Table): string[] {
  return Object.keys(COLUMNS[table])
    .filter((name) => NEEDED[table].includes(name) || random.oneIn(6));
}

/** Good ones are more than half: a request that is refused for one reason hides the others. */
function someValue(random: Random, table: Table, column: string): string {
  const values = COLUMNS[table][column];
  return random.oneIn(3) ? random.pick(values) : values[0];
}

const series = (random: Random) =>
  `generate_series(1, ${random.pick([1, 1, 2, 5, 9, 10, 11, 12, 200])}) as n`;

const makeWhere = (random: Random) =>
  random.pick(["", " where slug like 'new-%'", " where slug = 'open'", " where slug ~ '[02468]$'"]);
