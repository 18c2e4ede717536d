import type postgres from "postgres";
import { type Check, found, ok } from "../../../check.ts";
import { ident } from "../quote.ts";
import type { Publication, Table } from "./read_table.ts";

/** Whether the publication gives the table's changes out, which of them, and what it seems to hide. */
export async function judgePublication(
  sql: postgres.Sql,
  table: Table,
  role: string,
): Promise<Check[]> {
  const { name, kind, key, identity, published, publication } = table;
  const first = identity === "n" || identity === "d" && key.length === 0
    ? ["-- not before it has a replica identity: its updates and deletes would fail"]
    : [];
  if (!publication) {
    const paste = [...first, `create publication supabase_realtime for table ${name};`];
    return [found("publication_missing", "there is no publication supabase_realtime", { paste })];
  }
  if (!published && !publication.named) {
    const paste = [...first, `alter publication supabase_realtime add table ${name};`];
    return [found("table_unpublished", `${name} is not in supabase_realtime`, { paste })];
  }
  const operations = judgeOperations(publication);
  if (kind === "p" && publication.viaRoot) {
    const paste = ["alter publication supabase_realtime set (publish_via_partition_root = false);"];
    const saw = `${name} is partitioned, published by its root`;
    return [found("publish_via_root", saw, { paste }), ...operations];
  }
  return [
    ok("database", `${name} is in supabase_realtime`),
    ...operations,
    ...together([
      ...await judgeColumns(sql, table, publication, role),
      ...await judgeRows(sql, table, publication, role),
    ]),
  ];
}

/** Columns and rows are one finding, with what mends both. */
function together(checks: Check[]): Check[] {
  const [first, second] = checks.filter(({ id }) => id);
  if (!second) return checks;
  const paste = [...first.paste ?? [], ...second.paste ?? []];
  return [{ ...first, saw: `${first.saw}; ${second.saw}`, paste }];
}

function judgeOperations(publication: Publication): Check[] {
  const operations = ["insert", "update", "delete"] as const;
  const lacking = operations.filter((it) => !publication[it]);
  if (lacking.length === 0) return [];
  const paste = [
    "alter publication supabase_realtime set (publish = 'insert, update, delete, truncate');",
  ];
  const words = lacking.map((it) => it.toUpperCase()).join(" and ");
  return [
    found("publication_operations", `${words} never arrive: supabase_realtime leaves them out`, {
      paste,
    }),
  ];
}

/** Realtime reads past the list, so what the role may select decides alone. */
async function judgeColumns(
  sql: postgres.Sql,
  { oid, name }: Table,
  { columns }: Publication,
  role: string,
): Promise<Check[]> {
  if (!columns) return [];
  const rows = await sql`
    select attname as name from pg_attribute
    where attrelid = ${oid}::oid and attnum > 0 and not attisdropped
      and attname not in ${sql(columns)}
      and exists (select from pg_roles where rolname = ${role})
      and case when exists (select from pg_roles where rolname = ${role})
        then has_column_privilege(${role}, ${oid}::oid, attnum, 'select') end
  `;
  const shown = rows.map((it) => it.name);
  if (shown.length === 0) {
    return [
      ok("database", `${role} may not select what the publication's list of columns leaves out`),
    ];
  }
  const paste = [
    `revoke select on ${name} from ${ident(role)};`,
    `grant select (${columns.map(ident).join(", ")}) on ${name} to ${ident(role)};`,
  ];
  const saw = `the list of columns leaves out ${shown.join(", ")}, and ${role} gets them`;
  return [found("publication_ignored", saw, { paste })];
}

async function judgeRows(
  sql: postgres.Sql,
  { oid, name, rls }: Table,
  { rows }: Publication,
  role: string,
): Promise<Check[]> {
  if (!rows) return [];
  const [{ held }] = await sql`
    select ${rls} and exists (
      select from pg_policy
      where polrelid = ${oid}::oid and polcmd in ('r', '*') and not polpermissive
        and pg_get_expr(polqual, polrelid) = ${rows}
        and (0 = any (polroles) or to_regrole(quote_ident(${role})) = any (polroles))
    ) as held
  `;
  if (held) return [ok("database", `a policy keeps ${role} to the publication's filter of rows`)];
  const paste = [
    ...(rls ? [] : [`alter table ${name} enable row level security;`]),
    `create policy "published rows alone" on ${name} as restrictive for select`,
    `  to ${ident(role)} using ${rows.startsWith("(") ? rows : `(${rows})`};`,
  ];
  const saw = `rows are filtered by ${rows}, and ${role} gets the others, too, if policies let it`;
  return [found("publication_ignored", saw, { paste })];
}
