import type postgres from "postgres";

/** A table, as far as Realtime's sending of its changes depends on it. */
export interface Table {
  oid: number;
  name: string;
  schema: string;
  /** The table's name alone, as it is. */
  relation: string;
  /** pg_class.relkind: r a table, p a partitioned one, v, m, f, S what is none. */
  kind: string;
  unlogged: boolean;
  rls: boolean;
  /** pg_class.relreplident, and n too where what it names identifies no row. */
  identity: string;
  /** The primary key may be broken until the end of a transaction. */
  isDeferrable: boolean;
  key: string[];
  /** Columns that are unique together and never null, where there is no key: they could be it. */
  couldBeKey?: string[];
  hasId: boolean;
  published: boolean;
  publication?: Publication;
  /** Of a partition: the names of those above it. */
  partitionOf?: string;
}

export interface Publication {
  viaRoot: boolean;
  insert: boolean;
  update: boolean;
  delete: boolean;
  allTables: boolean;
  /** Whether it names this very table; a root without leaves is published and gives nothing out. */
  named: boolean;
  /** The only columns that it publishes of the table, where it lists them. */
  columns?: string[];
  /** Which rows, where it says. */
  rows?: string;
}

/** The table of this `schema.name`, as written; undefined where it is not there. */
export async function readTable(sql: postgres.Sql, whole: string): Promise<Table | undefined> {
  const [schema, name] = whole.split(".");
  const [table] = await sql<Table[]>`
    select c.oid::int, c.oid::regclass::text as name, ${schema} as schema, relname as relation,
      relkind as kind,
      relpersistence = 'u' as unlogged, relrowsecurity as rls, k."isDeferrable",
      case
        when relreplident = 'd' and k."isDeferrable" then 'n'
        when relreplident = 'i' and not exists (
          select from pg_index where indrelid = c.oid and indisreplident
        ) then 'n'
        else relreplident
      end as identity,
      to_jsonb(array(
        select attname from pg_index join pg_attribute on attrelid = indrelid
        where indrelid = c.oid and indisprimary and attnum = any (indkey)
      )) as key,
      (
        select jsonb_agg(attname) from pg_attribute, (
          select string_to_array(indkey::text, ' ')::int2[] as columns from pg_index
          where indrelid = c.oid and indisunique and indpred is null and indexprs is null
            and not exists (
              select from pg_attribute
              where attrelid = c.oid and attnum = any (indkey) and not attnotnull
            )
          order by indnkeyatts limit 1
        ) i
        where attrelid = c.oid and attnum = any (i.columns)
      ) as "couldBeKey",
      exists (select from pg_attribute where attrelid = c.oid and attname = 'id') as "hasId",
      exists (
        select from pg_publication_tables p
        where pubname = 'supabase_realtime' and (
          (p.schemaname, p.tablename) = (${schema}, ${name})
          or format('%I.%I', p.schemaname, p.tablename)::regclass in
            (select relid from pg_partition_tree(c.oid))
        )
      ) as published,
      (select inhparent::regclass::text from pg_inherits where inhrelid = c.oid and relispartition)
        as "partitionOf"
    from pg_class c, lateral (
      select exists (
        select from pg_index where indrelid = c.oid and indisprimary and not indimmediate
      ) as "isDeferrable"
    ) k
    where c.relnamespace = to_regnamespace(${schema}) and c.relname = ${name}
  `;
  if (!table) return undefined;
  return { ...table, publication: await readPublication(sql, table.oid) };
}

async function readPublication(sql: postgres.Sql, oid: number): Promise<Publication | undefined> {
  const [publication] = await sql`
    select pubviaroot as "viaRoot", pubinsert as insert, pubupdate as update, pubdelete as delete,
      puballtables as "allTables", to_jsonb(r) as relation, pg_get_expr(r.prqual, r.prrelid) as rows
    from pg_publication p
    left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = ${oid}::oid
    where pubname = 'supabase_realtime'
  `;
  if (!publication) return undefined;
  const { relation, rows, ...rest } = publication;
  const named = relation !== null;
  const columns = relation?.prattrs ? await columnsOf(sql, oid, relation.prattrs) : undefined;
  return { ...rest, named, rows: rows ?? undefined, columns } as Publication;
}

/** By their numbers, which an int2vector is a text of. */
async function columnsOf(sql: postgres.Sql, oid: number, vector: unknown): Promise<string[]> {
  const numbers = String(vector).split(/[^\d]+/).filter(Boolean).map(Number);
  const rows = await sql`
    select attname as name from pg_attribute
    where attrelid = ${oid}::oid and attnum in ${sql(numbers)}
  `;
  return rows.map(({ name }) => name);
}
