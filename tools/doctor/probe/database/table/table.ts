import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../../../check.ts";
import type { Context } from "../../../context.ts";
import { askingAs } from "../claims.ts";
import { ident } from "../quote.ts";
import { judgeKind } from "./kind.ts";
import { judgePartitions } from "./partitions.ts";
import { judgePublication } from "./publication.ts";
import { readTable, type Table } from "./read_table.ts";
import { probeRole } from "./role.ts";
import { probeSubscriptions } from "./subscriptions.ts";

/** Follows what Realtime does with a row of the table, up to the role that is to see it. */
export async function probeTable(sql: postgres.Sql, context: Context): Promise<Check[]> {
  const { table: name, tableGiven } = context.options;
  const table = await readTable(sql, name);
  if (!table) {
    if (!tableGiven) return [skipped("database", `there is no ${name}; name one with --table`)];
    const alike = await findAlike(sql, name);
    const hint = alike.length > 0 ? `; there is ${alike.join(" and ")}` : "";
    return [found("table_missing", `${name} is not there${hint}`)];
  }
  const kind = await judgeKind(sql, table);
  if (kind) return [kind];
  const { role } = askingAs(context);
  const published = await judgePublication(sql, table, role);
  const shape = judgeShape(table);
  return [
    // What is pasted in this order never publishes a table that then takes no more updates.
    ...(isUnfit(table) ? [...shape, ...published] : [...published, ...shape]),
    ...await probeRole(sql, table, context),
    ...(isRefusedRoot(table) ? await judgePartitions(sql, table, role) : []),
    ...await probeSubscriptions(sql, table.oid, table.name).catch(({ message }: Error) => [
      skipped("database", `who subscribes: ${message}`),
    ]),
  ];
}

/** Not published yet, and its updates and deletes would fail from then on. */
const isUnfit = ({ published, key, identity }: Table) =>
  !published && (identity === "n" || identity === "d" && key.length === 0);

const isRefusedRoot = ({ kind, publication }: Table) => kind === "p" && !publication?.viaRoot;

function judgeShape(table: Table): Check[] {
  const { name, key, identity, isDeferrable, rls } = table;
  const checks: Check[] = [];
  if (key.length === 0) {
    checks.push(found("primary_key_missing", `${name} has none`, { paste: [keyFor(table)] }));
  } else if (identity === "n") {
    const saw = isDeferrable
      ? `the primary key of ${name} is deferrable, which identifies no row`
      : `${name} has replica identity nothing`;
    const paste = [`alter table ${name} replica identity ${isDeferrable ? "full" : "default"};`];
    checks.push(found("replica_identity", saw, { paste }));
  } else {
    const words: Record<string, string> = { f: "full", i: "an index", d: "the primary key" };
    checks.push(ok("database", `${name}: replica identity is ${words[identity]}`));
  }
  if (!rls) {
    const paste = [`alter table ${name} enable row level security;`];
    checks.push(found("rls_off", `${name} has row level security disabled`, { paste }));
  }
  return checks;
}

/** By columns that are there, else by a new one. */
function keyFor({ name, couldBeKey, hasId }: Table): string {
  if (couldBeKey) {
    return `alter table ${name} add primary key (${couldBeKey.map(ident).join(", ")});`;
  }
  const column = hasId ? "row_id" : "id";
  return `alter table ${name} add column ${column} bigint generated always as identity primary key;`;
}

/** Tables that are called the same but for letters, or lie in another schema. */
async function findAlike(sql: postgres.Sql, whole: string): Promise<string[]> {
  const [, name] = whole.split(".");
  const rows = await sql`
    select format('%I.%I', relnamespace::regnamespace::text, relname) as name from pg_class
    where lower(relname) = lower(${name}) and relkind in ('r', 'p')
    order by 1 limit 3
  `;
  return rows.map((it) => it.name);
}
