import { decodeJwt } from "jose";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import type { Sql } from "./database.ts";
import { probeSubscriptions } from "./subscriptions.ts";

/** Enough rows to meet the one that makes a policy fail, few enough for a large table. */
const ROWS = 10_000;

/** A table, as far as Realtime's sending of its changes depends on it. */
interface Facts {
  oid: number;
  name: string;
  kind: string;
  rls: boolean;
  identity: string;
  key: string[];
  published: boolean;
  publication: boolean;
  viaRoot: boolean;
}

/** Follows what Realtime does with a row of the table, up to the role that is to see it. */
export async function probeTable(sql: Sql, context: Context): Promise<Check[]> {
  const { table, tableGiven } = context.options;
  const facts = await readFacts(sql, table);
  if (!facts) {
    if (!tableGiven) return [skipped("database", `there is no ${table}; name one with --table`)];
    return [found("table_missing", `${table} is not there`)];
  }
  return [
    ...judgePublication(facts),
    ...judgeShape(facts),
    ...await judgeRole(sql, facts, context),
    ...await probeSubscriptions(sql, facts.oid, facts.name).catch(({ message }: Error) => [
      skipped("database", `who subscribes: ${message}`),
    ]),
  ];
}

async function readFacts(sql: Sql, table: string): Promise<Facts | undefined> {
  const [schema, name] = table.split(".");
  const [facts] = await sql<Facts[]>`
    select c.oid::int, c.oid::regclass::text as name, relkind as kind, relrowsecurity as rls,
      relreplident as identity,
      array(
        select attname from pg_index join pg_attribute on attrelid = indrelid
        where indrelid = c.oid and indisprimary and attnum = any (indkey)
      )::text[] as key,
      exists (select from pg_publication where pubname = 'supabase_realtime') as publication,
      exists (
        select from pg_publication_tables p
        where pubname = 'supabase_realtime' and (
          (p.schemaname, p.tablename) = (${schema}, ${name})
          or format('%I.%I', p.schemaname, p.tablename)::regclass in
            (select relid from pg_partition_tree(c.oid))
        )
      ) as published,
      coalesce((select pubviaroot from pg_publication where pubname = 'supabase_realtime'), false)
        as "viaRoot"
    from pg_class c
    where c.relnamespace = to_regnamespace(${schema}) and c.relname = ${name}
  `;
  return facts;
}

function judgePublication({ name, kind, published, publication, viaRoot }: Facts): Check[] {
  if (!publication) {
    const paste = [`create publication supabase_realtime for table ${name};`];
    return [found("publication_missing", "there is no publication supabase_realtime", { paste })];
  }
  if (!published) {
    const paste = [`alter publication supabase_realtime add table ${name};`];
    return [found("table_unpublished", `${name} is not in supabase_realtime`, { paste })];
  }
  if (kind === "p" && viaRoot) {
    const paste = ["alter publication supabase_realtime set (publish_via_partition_root = false);"];
    return [found("publish_via_root", `${name} is partitioned, published by its root`, { paste })];
  }
  return [ok("database", `${name} is in supabase_realtime`)];
}

function judgeShape({ name, key, identity, rls }: Facts): Check[] {
  const checks: Check[] = [];
  if (key.length === 0) {
    const paste = [
      `alter table ${name} add column id bigint generated always as identity primary key;`,
    ];
    checks.push(found("primary_key_missing", `${name} has none`, { paste }));
  } else if (identity === "n") {
    const paste = [`alter table ${name} replica identity default;`];
    checks.push(found("replica_identity", `${name} has replica identity nothing`, { paste }));
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

/** Grants, policies, and what the role sees, in a transaction that only reads. */
async function judgeRole(sql: Sql, facts: Facts, { options, target }: Context): Promise<Check[]> {
  const claims = claimsOf(options.token ?? options.key ?? target.key);
  const { role } = claims;
  const { oid, name, key, rls } = facts;
  const [{ exists }] = await sql`select to_regrole(${role}) is not null as exists`;
  if (!exists) return [skipped("database", `there is no role ${role}`)];
  const [{ some, hidden }] = await sql`
    select has_any_column_privilege(${role}, ${oid}::oid, 'select') as some,
      array(
        select attname from pg_attribute
        where attrelid = ${oid}::oid and attname = any (${key})
          and not has_column_privilege(${role}, ${oid}::oid, attnum, 'select')
      )::text[] as hidden
  `;
  const grant = (columns = "") => ({ paste: [`grant select${columns} on ${name} to ${role};`] });
  if (!some) return [found("grant_missing", `${role} has no select on ${name}`, grant())];
  if (hidden.length > 0) {
    const columns = `(${hidden.join(", ")})`;
    return [found("key_column_hidden", `${role} may not select ${columns}`, grant(` ${columns}`))];
  }
  const policies = rls ? await policiesFor(sql, oid, role) : [];
  if (rls && policies.length === 0) {
    const paste = [`create policy "…" on ${name} for select to ${role} using (…);`];
    return [found("rls_no_policy", `no select policy of ${name} is for ${role}`, { paste })];
  }
  return [await tryReading(sql, facts, claims, policies)];
}

async function policiesFor(sql: Sql, oid: number, role: string): Promise<string[]> {
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
  sql: Sql,
  { name, key }: Facts,
  claims: { role: string },
  policies: string[],
): Promise<Check> {
  const columns = key.length > 0 ? key.map((column) => `"${column}"`).join(", ") : "1";
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
    return found("policy_raises", `as ${claims.role}: ${message}`);
  }
}

/** Whom the doctor asks as: the user of the token, else the public role. */
function claimsOf(token: string | undefined): { role: string } {
  try {
    const claims = decodeJwt(token ?? "");
    if (typeof claims.role === "string") return { ...claims, role: claims.role };
  } catch {
    // A publishable key stands for anon.
  }
  return { role: "anon" };
}
