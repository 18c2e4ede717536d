import type postgres from "postgres";
import { type Check, found } from "../../../check.ts";
import type { Table } from "./read_table.ts";

/** What no publication takes, in the words of PostgreSQL. */
const KINDS: Record<string, string> = {
  v: "a view",
  m: "a materialized view",
  f: "a foreign table",
  S: "a sequence",
  c: "a type",
  i: "an index",
};

/** Schemas of PostgreSQL's and of the platform's own; clients are given of it what is copied for them. */
export const NOT_OURS =
  /^(?:pg_\w+|information_schema|auth|storage|_?realtime|vault|net|cron|pgsodium|pgbouncer|graphql|graphql_public|supabase_\w+|_analytics)$/;

/** What is no table to publish: what it is, and what to subscribe in its place. */
export async function judgeKind(sql: postgres.Sql, table: Table): Promise<Check | undefined> {
  const { name, kind, unlogged, oid } = table;
  if (unlogged) {
    const paste = [
      `alter table ${name} set logged;`,
      `alter publication supabase_realtime add table ${name};`,
    ];
    return found("table_kind", `${name} is an unlogged table: its changes are in no log`, {
      paste,
    });
  }
  const what = KINDS[kind];
  if (!what && NOT_OURS.test(table.schema) && !table.published) {
    const saw =
      `${table.schema}.${table.relation} is not the project's own: copy what clients may ` +
      "see of it into a table of yours, by a trigger";
    return found("table_kind", saw);
  }
  if (!what) return undefined;
  const tables = ["v", "m"].includes(kind) ? await tablesBelow(sql, oid) : [];
  const names = tables.map((it) => it.name).join(", ");
  const saw = `${name} is ${what}${names && ` of ${names}: subscribe ${names} instead`}`;
  const paste = tables.filter(({ published }) => !published)
    .map((it) => `alter publication supabase_realtime add table ${it.name};`);
  return found("table_kind", saw, { paste });
}

/** The project's own tables that a view reads, through whatever other views. */
async function tablesBelow(sql: postgres.Sql, oid: number) {
  return await sql<{ name: string; published: boolean }[]>`
    with recursive read as (
      select ${oid}::oid as oid
      union
      select refobjid from read
      join pg_rewrite on ev_class = read.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = pg_rewrite.oid
        and d.refclassid = 'pg_class'::regclass
    )
    select c.oid::regclass::text as name, exists (
        select from pg_publication_tables p where pubname = 'supabase_realtime'
          and format('%I.%I', p.schemaname, p.tablename)::regclass = c.oid
      ) as published
    from read join pg_class c using (oid)
    where c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and c.relnamespace::regnamespace::text !~ ${NOT_OURS.source}
    order by 1 limit 5
  `;
}
