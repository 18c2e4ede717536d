/** Asks the database, once for a whole batch, who may see which change. */
import type postgres from "postgres";
import type { Condition } from "./filter.ts";
import type { Change, Relation } from "./pgoutput.ts";

/** Everybody who asked for the same changes of a table with the same claims. */
export interface Group {
  index: number;
  role: string;
  claims: string;
  event: string;
  conditions: Condition[];
  select: string[] | null;
}

/** A change as some groups see it. All texts are JSON as Postgres prints it. */
export interface Sight {
  change: Change;
  groups: number[];
  record: string | null;
  oldRecord: string | null;
  columns: string;
  errors: string | null;
  /** There is a change, and these groups may not know more of it. */
  refused: boolean;
}

/** What an error kept from some groups. */
export interface Failure {
  change: Change;
  groups: number[];
  code: string;
  message: string;
}

export interface Verdict {
  /** In the order of the changes; of one change those of all columns first. */
  sights: Sight[];
  failures: Failure[];
}

export interface Question {
  sql: postgres.Sql;
  groupsOf: (oid: number) => Group[];
  /** A change above it keeps only its small columns. */
  maxBytes: number;
}

export async function look(
  changes: Change[],
  { sql, groupsOf, maxBytes }: Question,
): Promise<Verdict> {
  const claims = new Numbered<{ role: string; claims: string }>();
  const variants = new Numbered<{ role: string; select: string[] | null }>();
  const batch = byRelation(changes).map(([relation, own]) => {
    const filters = new Numbered<Condition[]>();
    const used = new Map<number, { role: string; select: string[] | null }>();
    const groups = groupsOf(relation.oid).map(({ index, event, conditions, ...group }) => {
      const variant = { role: group.role, select: group.select };
      const v = variants.of(variant);
      used.set(v, variant);
      const f = conditions.length > 0 ? filters.of(conditions) : null;
      return { g: index, v, c: claims.of({ role: group.role, claims: group.claims }), f, event };
    });
    return {
      relation: describe(relation),
      changes: own.map(([n, { action, ...change }]) => ({
        _n: n,
        action,
        new: change.new,
        old: change.old,
      })),
      filters: filters.items.map((conditions, f) => ({ f, conditions })),
      variants: [...used].map(([v, variant]) => ({ v, ...variant })),
      groups,
    };
  });
  const rows = await sql`
    select * from local_realtime.visible(
      ${JSON.stringify(batch)}::text::jsonb, ${JSON.stringify(claims.items)}::text::jsonb,
      ${maxBytes}
    )
  `;
  return sort(rows, changes, variants.items);
}

function sort(
  rows: postgres.RowList<postgres.Row[]>,
  changes: Change[],
  variants: { select: string[] | null }[],
): Verdict {
  const rank = (row: postgres.Row) => JSON.stringify(variants[row.variant]?.select) ?? "";
  const inOrder = rows.map((row) => ({ row, rank: rank(row) })).sort((a, b) =>
    a.row.n - b.row.n || byRank(a.rank, b.rank)
  );
  const sights: Sight[] = [];
  const failures: Failure[] = [];
  for (const { row } of inOrder) {
    const { groups, record, columns, errors, refused } = row;
    const change = changes[row.n];
    if (row.failure === null) {
      sights.push({ change, groups, record, oldRecord: row.old_record, columns, errors, refused });
    } else {
      const [code, ...words] = row.failure.split(" ");
      failures.push({ change, groups, code, message: words.join(" ") });
    }
  }
  return { sights, failures };
}

/** All columns (null) come before any choice of them. */
function byRank(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "null" || b === "null") return a === "null" ? -1 : 1;
  return a < b ? -1 : 1;
}

function byRelation(changes: Change[]): [Relation, [number, Change][]][] {
  const tables = new Map<Relation, [number, Change][]>();
  changes.forEach((change, n) => {
    const own = tables.get(change.relation) ?? [];
    tables.set(change.relation, own);
    own.push([n, change]);
  });
  return [...tables];
}

function describe({ oid, identity, columns }: Relation) {
  return {
    oid,
    full: identity === "f",
    names: columns.map(({ name }) => name),
    columns: columns.map(({ name, type }) => ({ name, type })),
  };
}

/** Equal things by the number that they first got. */
class Numbered<T> {
  readonly items: T[] = [];
  #numbers = new Map<string, number>();

  of(item: T): number {
    const key = JSON.stringify(item);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.items.length);
    return this.items.push(item) - 1;
  }
}
