import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../../../check.ts";
import type { Context } from "../../../context.ts";
import { askingAs } from "../claims.ts";
import { ident } from "../quote.ts";
import { grantsLacking } from "./grants.ts";
import type { Table } from "./read_table.ts";

/** Enough rows to meet the one that makes a policy fail, few enough for a large table. */
const ROWS = 10_000;

/** Grants, policies, and what the role sees, in a transaction that only reads. */
export async function probeRole(
  sql: postgres.Sql,
  table: Table,
  context: Context,
): Promise<Check[]> {
  const claims = askingAs(context);
  const { role } = claims;
  const { oid, name, key, rls, schema } = table;
  const [{ exists }] = await sql`
    select exists (select from pg_roles where rolname = ${role})
  `;
  if (!exists) return [await roleMissing(sql, role)];
  const [{ usage }] = await sql`select has_schema_privilege(${role}, ${schema}, 'usage') as usage`;
  if (!usage && rls) {
    const paste = [`grant usage on schema ${ident(schema)} to ${ident(role)};`];
    return [found("schema_usage_missing", `${role} has no usage on ${schema}`, { paste })];
  }
  const [{ some, hidden }] = await sql`
    select has_any_column_privilege(${role}, ${oid}::oid, 'select') as some,
      to_jsonb(array(
        select attname from pg_attribute
        where attrelid = ${oid}::oid and attname in ${sql(key)}
          and not has_column_privilege(${role}, ${oid}::oid, attnum, 'select')
      )) as hidden
  `;
  const grant = (columns = "") => ({
    paste: [`grant select${columns} on ${name} to ${ident(role)};`],
  });
  if (!some) return [found("grant_missing", `${role} has no select on ${name}`, grant())];
  if (hidden.length > 0) {
    const columns = `(${hidden.map(ident).join(", ")})`;
    return [found("key_column_hidden", `${role} may not select ${columns}`, grant(` ${columns}`))];
  }
  const policies = rls ? await policiesFor(sql, oid, role) : [];
  if (rls && policies.length === 0) {
    const paste = await policyFor(sql, table, role);
    return [found("rls_no_policy", `no select policy of ${name} is for ${role}`, { paste })];
  }
  return [await tryReading(sql, table, claims, policies)];
}

/** By the column that says whose a row is, where there is one that looks so. */
async function policyFor(sql: postgres.Sql, { oid, name }: Table, role: string): Promise<string[]> {
  const [owner] = await sql`
    select attname as name from pg_attribute
    where attrelid = ${oid}::oid and atttypid = 'uuid'::regtype and not attisdropped
      and attname in ('user_id', 'owner_id', 'owner', 'created_by', 'profile_id', 'author_id')
      and to_regprocedure('auth.uid()') is not null
    order by attname = 'user_id' desc limit 1
  `;
  const isOwned = owner && role === "authenticated";
  const using = isOwned ? `${ident(owner.name)} = (select auth.uid())` : "true";
  return [
    ...(isOwned ? [] : [`-- true is every row: put there which rows ${role} may see`]),
    `create policy "${role.replaceAll('"', "_")} may read" on ${name} for select to ${ident(role)}`,
    `  using (${using});`,
  ];
}

async function policiesFor(sql: postgres.Sql, oid: number, role: string): Promise<string[]> {
  const rows = await sql`
    select polname from pg_policy
    where polrelid = ${oid}::oid and polcmd in ('r', '*') and polpermissive
      and (0 = any (polroles) or exists (
        select from unnest(polroles) r where r <> 0 and pg_has_role(${role}, r, 'usage')
      ))
  `;
  return rows.map(({ polname }) => polname);
}

/** Reads as Realtime would ask for this client; a policy that fails for some row fails here. */
async function tryReading(
  sql: postgres.Sql,
  { oid, name, key }: Table,
  claims: { role: string },
  policies: string[],
): Promise<Check> {
  const columns = key.length > 0 ? key.map(ident).join(", ") : "1";
  const words = policies.length > 0 ? ` by ${policies.map((it) => `"${it}"`).join(", ")}` : "";
  try {
    const [{ count }] = await sql.begin("read only", async (sql) => {
      await sql`
        select set_config('role', ${claims.role}, true),
          set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)
      `;
      const rows = `select ${columns} from ${name} limit ${ROWS}`;
      return await sql.unsafe(`select count(*)::int as count from (${rows}) t`);
    });
    return ok("database", `${claims.role} sees ${count} rows of ${name}${words}`);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "57014") {
      return skipped("database", `reading ${name} as ${claims.role} takes too long`);
    }
    if (code === "42501" && /set role|SET ROLE|"role"/.test(message)) {
      return skipped("database", `this database user may not become ${claims.role}`);
    }
    if (code === "42501") {
      const paste = await grantsLacking(sql, oid, claims.role, message);
      return found("policy_grant_missing", `as ${claims.role}: ${message}`, { paste });
    }
    return found("policy_raises", `as ${claims.role}: ${message}`);
  }
}

/** Realtime says so too: `role "editor" does not exist`. */
async function roleMissing(sql: postgres.Sql, role: string): Promise<Check> {
  const [{ api, alike }] = await sql`
    select exists (select from pg_roles where rolname = 'authenticator') as api,
      (select rolname from pg_roles where lower(rolname) = lower(${role}) limit 1) as alike
  `;
  if (alike) return found("role_missing", `there is no role ${role}; there is ${alike}`);
  const paste = [
    `create role ${ident(role)} nologin;`,
    ...(api ? [`grant ${ident(role)} to authenticator;`] : []),
  ];
  return found("role_missing", `there is no role ${role}`, { paste });
}
