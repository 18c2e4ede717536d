import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../../check.ts";
import type { Context } from "../../context.ts";
import { askingAs } from "./claims.ts";
import { ident, literal } from "./quote.ts";
import { grantsLacking } from "./table/grants.ts";
import { topicPaste } from "../topic_policy.ts";

interface Policy {
  oid: number;
  name: string;
  using: string;
  permissive: boolean;
}

/**
 * Asks each select policy on realtime.messages about the topic, as the role that will be asked about:
 * its expression alone, over a row that nobody inserts.
 */
export async function probeTopic(sql: postgres.Sql, context: Context): Promise<Check[]> {
  const { topic } = context.options;
  if (!topic) return [];
  const claims = askingAs(context);
  const { role } = claims;
  const [{ exists }] = await sql`select exists (select from pg_roles where rolname = ${role})`;
  if (!exists) return [skipped("database", `policies for ${topic}: there is no role ${role}`)];
  const policies = await sql<Policy[]>`
    select 'realtime.messages'::regclass::oid::int as oid, polname as name,
      pg_get_expr(polqual, polrelid) as using, polpermissive as permissive
    from pg_policy
    where polrelid = 'realtime.messages'::regclass and polcmd in ('r', '*')
      and (0 = any (polroles) or exists (
        select from unnest(polroles) r where r <> 0 and pg_has_role(${role}, r, 'usage')
      ))
  `;
  const answers: { policy: Policy; yes: boolean }[] = [];
  for (const policy of policies) {
    try {
      answers.push({ policy, yes: await askPolicy(sql, policy, claims, topic) });
    } catch (error) {
      return [await raised(sql, policy, role, error as Error & { code?: string })];
    }
  }
  const may = answers.some(({ policy, yes }) => policy.permissive && yes) &&
    answers.every(({ policy, yes }) => policy.permissive || yes);
  if (may) return [ok("database", `policies let ${role} receive ${topic}`)];
  const names = answers.map(({ policy, yes }) => `"${policy.name}" says ${yes ? "yes" : "no"}`);
  const saw = `${role}, ${topic}: ${names.join(", ") || "no policy is for that role"}`;
  const shut = answers.filter(({ policy, yes }) => !policy.permissive && !yes);
  const isOpen = answers.some(({ policy, yes }) => policy.permissive && yes);
  const paste = [
    ...shut.map(({ policy }) => letThrough(policy, topic)),
    ...(isOpen ? [] : topicPaste(topic, role)),
  ];
  return [found("topic_policy_missing", saw, { paste })];
}

/** A restrictive policy that says no is not helped by another one that says yes. */
function letThrough({ name, using }: Policy, topic: string): string {
  const also = `${using} or realtime.topic() = ${literal(topic)}`;
  return `alter policy ${ident(name)} on realtime.messages using (${also});`;
}

async function askPolicy(
  sql: postgres.Sql,
  { using }: Policy,
  claims: { role: string },
  topic: string,
): Promise<boolean> {
  const [{ yes }] = await sql.begin("read only", async (sql) => {
    await sql`
      select set_config('role', ${claims.role}, true), set_config('realtime.topic', ${topic}, true),
        set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
        set_config('request.jwt.claim.role', ${claims.role}, true),
        set_config('request.jwt.claim.sub', ${
      String((claims as { sub?: unknown }).sub ?? "")
    }, true)
    `;
    return await sql.unsafe(
      `select coalesce(bool_or(${using}), false) as yes from (
        select gen_random_uuid() as id, $1::text as topic, extension, '{}'::jsonb as payload,
          null::bytea as binary_payload, 'doctor'::text as event, true as private,
          timezone('utc', now()) as updated_at, timezone('utc', now()) as inserted_at
        from unnest(array['broadcast', 'presence']) extension
      ) messages`,
      [topic],
    );
  });
  return yes;
}

async function raised(
  sql: postgres.Sql,
  { oid, name }: Policy,
  role: string,
  { code, message }: Error & { code?: string },
): Promise<Check> {
  if (code === "42501" && /set role|SET ROLE|"role"/.test(message)) {
    return skipped("database", `policies on realtime.messages: this user may not become ${role}`);
  }
  const saw = `policy "${name}", as ${role}: ${message}`;
  const paste = code === "42501" ? await grantsLacking(sql, oid, role, message) : undefined;
  return found("messages_policy_raises", saw, paste?.length ? { paste } : {});
}
