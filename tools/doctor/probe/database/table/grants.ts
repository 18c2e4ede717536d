import type postgres from "postgres";
import { ident } from "../quote.ts";
import { NOT_OURS } from "./kind.ts";

/**
 * The grants that a role lacks for what a table's select policies name: tables, functions, their
 * schemas. Of what functions read in their turn, only what `error` says is known. Never one on a
 * table of the platform's own, such as auth.users: a function reads that in the role's place.
 */
export async function grantsLacking(
  sql: postgres.Sql,
  oid: number,
  role: string,
  error: string,
): Promise<string[]> {
  const named = await sql<{ line: string }[]>`
    with named as (
      select distinct d.refclassid as class, d.refobjid as id
      from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
      where p.polrelid = ${oid}::oid and d.refobjid <> ${oid}::oid
    ), tables as (
      select c.oid, c.relnamespace as schema, 'select on ' || c.oid::regclass as what,
        has_any_column_privilege(${role}, c.oid, 'select') as may
      from named join pg_class c on c.oid = id where class = 'pg_class'::regclass
        and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and c.relnamespace::regnamespace::text !~ ${NOT_OURS.source}
    ), functions as (
      select f.oid, f.pronamespace as schema, 'execute on function ' || f.oid::regprocedure as what,
        has_function_privilege(${role}, f.oid, 'execute') as may
      from named join pg_proc f on f.oid = id where class = 'pg_proc'::regclass
    ), schemas as (
      select distinct s.oid, s.oid as schema, 'usage on schema ' || s.oid::regnamespace as what,
        has_schema_privilege(${role}, s.oid, 'usage') as may
      from pg_namespace s
      where s.oid in (select schema from tables union select schema from functions)
    )
    select format('grant %s to %I;', what, ${role}::text) as line
    from (table schemas union all table tables union all table functions) t where not may
    order by line desc
  `;
  if (named.length > 0) return named.map(({ line }) => line);
  return await fromWords(sql, error, role);
}

const WORDS =
  /permission denied for (table|view|materialized view|relation|sequence|function|schema) ([\w$]+)/;

/** By the name in an error, where one thing alone has it. */
async function fromWords(sql: postgres.Sql, error: string, role: string): Promise<string[]> {
  const [, kind, name] = WORDS.exec(error) ?? [];
  if (!kind) return [];
  if (kind === "schema") return [`grant usage on schema ${ident(name)} to ${ident(role)};`];
  const rows = kind === "function"
    ? await sql`
      select 'execute on function ' || oid::regprocedure as what from pg_proc
      where proname = ${name} and not has_function_privilege(${role}, oid, 'execute')
    `
    : await sql`
      select 'select on ' || oid::regclass as what from pg_class
      where relname = ${name} and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and relnamespace::regnamespace::text !~ ${NOT_OURS.source}
        and not has_table_privilege(${role}, oid, 'select')
    `;
  return rows.length === 1 ? [`grant ${rows[0].what} to ${ident(role)};`] : [];
}
