/** What the database is asked about a batch: its changes by table, and the groups that listen there. */
import type { Condition } from "../bindings/filter.ts";
import type { Change, Relation } from "../log/pgoutput.ts";
import type { Group } from "./audiences.ts";

/** The arguments of local_realtime.visible. What many groups share is in it once, by number. */
export interface Question {
  batch: object[];
  claims: { role: string; claims: string }[];
  variants: Variant[];
}

/** How some groups see a table: as a role, and these columns of it, or all (null). */
export interface Variant {
  role: string;
  select: string[] | null;
}

/** Puts the question about these changes, which are numbered as they come. */
export function question(changes: Change[], groupsOf: (oid: number) => Group[]): Question {
  const claims = new Numbered<Question["claims"][number]>();
  const variants = new Numbered<Variant>();
  const batch = byRelation(changes).map(([relation, own]) => {
    const filters = new Numbered<Condition[]>();
    const used = new Map<number, Variant>();
    const groups = groupsOf(relation.oid).map((group) => {
      const { index, role, event, conditions, select } = group;
      const v = variants.of({ role, select });
      used.set(v, { role, select });
      const f = conditions.length > 0 ? filters.of(conditions) : null;
      return { g: index, v, c: claims.of({ role, claims: group.claims }), f, event };
    });
    return {
      relation: describe(relation),
      changes: own.map(([n, { action, new: row, old }]) => ({ _n: n, action, new: row, old })),
      filters: filters.items.map((conditions, f) => ({ f, conditions })),
      variants: [...used].map(([v, variant]) => ({ v, ...variant })),
      groups,
    };
  });
  return { batch, claims: claims.items, variants: variants.items };
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
