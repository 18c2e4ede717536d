import type postgres from "postgres";
import { type Check, found, ok } from "../../../check.ts";
import { ident } from "../quote.ts";
import type { Table } from "./read_table.ts";

/** Each gets its lines. */
const MOST = 20;

interface Leaf {
  name: string;
  rls: boolean;
  granted: boolean;
  policies: number;
}

/**
 * Realtime refuses the root of a partitioned table, and knows its leaves by themselves, whose own
 * rights count: those of the root are nothing to it.
 */
export async function judgePartitions(
  sql: postgres.Sql,
  { oid, name, rls }: Table,
  role: string,
): Promise<Check[]> {
  const leaves = await sql<Leaf[]>`
    select c.oid::regclass::text as name, c.relrowsecurity as rls,
      case when exists (select from pg_roles where rolname = ${role})
        then has_any_column_privilege(${role}, c.oid, 'select') else true end as granted,
      (select count(*)::int from pg_policy where polrelid = c.oid and polcmd in ('r', '*'))
        as policies
    from pg_partition_tree(${oid}::oid) join pg_class c on c.oid = relid
    where isleaf and relid <> ${oid}::oid order by 1 limit ${MOST}
  `;
  const names = leaves.map((it) => it.name).join(", ") || "none yet";
  const root = found("partitioned_root", `${name} is partitioned; its leaves are ${names}`);
  const policies = rls ? await policiesOf(sql, oid) : [];
  const unlike = leaves.filter((it) =>
    it.rls !== rls || !it.granted || it.policies < policies.length
  );
  if (unlike.length === 0) {
    return [root, ok("database", `${role}'s rights to the leaves are those to ${name}`)];
  }
  const paste = unlike.flatMap((leaf) => [
    ...(leaf.granted ? [] : [`grant select on ${leaf.name} to ${ident(role)};`]),
    ...(rls && !leaf.rls ? [`alter table ${leaf.name} enable row level security;`] : []),
    ...(leaf.policies === 0 ? policies.map((it) => it(leaf.name)) : []),
  ]);
  const saw = unlike.map((leaf) => {
    const lacks = [
      !leaf.granted && `no select for ${role}`,
      rls && !leaf.rls && "row level security off",
      leaf.policies < policies.length && "not the root's policies",
      !rls && leaf.rls && "row level security on",
    ];
    return `${leaf.name}: ${lacks.filter(Boolean).join(", ")}`;
  }).join("; ");
  return [root, found("partition_rights", saw, { paste })];
}

/** What makes the root's select policies on another table. */
async function policiesOf(sql: postgres.Sql, oid: number): Promise<((leaf: string) => string)[]> {
  const rows = await sql`
    select polname as name, polpermissive as permissive, pg_get_expr(polqual, polrelid) as using,
      to_jsonb(array(select coalesce(rolname::text, 'public') from unnest(polroles) r
        left join pg_roles on pg_roles.oid = r)) as roles
    from pg_policy where polrelid = ${oid}::oid and polcmd in ('r', '*')
  `;
  return rows.map(({ name, permissive, using, roles }) => (leaf) => {
    const to = roles.map((role: string) => role === "public" ? role : ident(role)).join(", ");
    const kind = permissive ? "" : " as restrictive";
    const quoted = `"${name.replaceAll('"', '""')}"`;
    return `create policy ${quoted} on ${leaf}${kind} for select to ${to} using (${using});`;
  });
}
