import type postgres from "postgres";
import { type Check, found, ok } from "../../../check.ts";

/**
 * What Realtime's one process checks: about 27 changes a second for 1,000 subscribers, one row level
 * security check each. A transaction that takes it longer than 15 s arrives nowhere.
 */
const CHECKS_PER_SECOND = 27_000;
const LONGEST_S = 15;
const MANY = 500;

/** Operators that compare by a pattern, which Realtime knows for text alone. */
const PATTERNS = ["like", "ilike", "match", "imatch"];
/** Types that a filter does not work on, as format_type names them. */
const RAISING = /\[\]$|^json$/;
const SILENT = /^(character\(|character$|bit\(|bit$|bytea$)/;

/**
 * What clients subscribe to now, by the original's own table; the local stack keeps them in memory.
 * Also tells beforehand which columns no filter works on.
 */
export async function probeSubscriptions(
  sql: postgres.Sql,
  oid: number,
  name: string,
): Promise<Check[]> {
  const columns = await sql<{ name: string; type: string }[]>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${oid}::oid and attnum > 0 and not attisdropped
  `;
  const [{ exists }] = await sql`select to_regclass('realtime.subscription') is not null as exists`;
  if (!exists) return tellColumns(columns, name);
  const [{ count }] = await sql`
    select count(*)::int from realtime.subscription where entity::oid = ${oid}::oid
  `;
  const filters = await sql<{ column: string; op: string }[]>`
    select distinct f.column_name as column, f.op::text as op
    from realtime.subscription s, lateral unnest(s.filters) f where s.entity::oid = ${oid}::oid
  `;
  const findings = filters.flatMap(({ column, op }) => {
    const type = columns.find((it) => it.name === column)?.type ?? "";
    const saw = `${op} on ${column}, which is ${type}`;
    if (RAISING.test(type)) return [found("filter_array", saw)];
    const unfit = SILENT.test(type) ||
      PATTERNS.includes(op) && type.startsWith("character varying");
    return unfit ? [found("filter_unfit", saw)] : [];
  });
  return [...findings, judgeCount(count, name)];
}

function judgeCount(count: number, name: string): Check {
  const rate = Math.floor(CHECKS_PER_SECOND / Math.max(count, 1));
  if (count < MANY) return ok("database", `${count} subscriptions to ${name} now`);
  const saw =
    `${count} subscriptions to ${name}: it keeps up with about ${rate} changes a second, ` +
    `and a transaction of over ${rate * LONGEST_S} rows arrives nowhere`;
  return found("subscribers_many", saw);
}

function tellColumns(columns: { name: string; type: string }[], name: string): Check[] {
  const unfit = columns.filter(({ type }) => RAISING.test(type) || SILENT.test(type))
    .map((column) => column.name);
  if (unfit.length === 0) return [];
  return [
    ok("database", `${name}: do not filter ${unfit.join(", ")}; no filter works on that type`),
  ];
}
