import { type Check, found, ok, skipped } from "../check.ts";
import type { Sql } from "./database.ts";

const MIGRATIONS = new URL("../../../supabase/migrations/", import.meta.url);

/** realtime.messages, which private channels and broadcasts from the database go by; migrations. */
export async function probeMessages(sql: Sql): Promise<Check[]> {
  const [{ exists }] = await sql`select to_regclass('realtime.messages') is not null as exists`;
  const messages = exists
    ? await judgeMessages(sql)
    : [found("messages_missing", "there is no realtime.messages")];
  return [...messages, ...await judgeMigrations(sql)];
}

async function judgeMessages(sql: Sql): Promise<Check[]> {
  const [{ partition }] = await sql`
    select relid::regclass::text as partition
    from pg_partition_tree('realtime.messages'), lateral (
      select pg_get_expr(relpartbound, oid) as bound from pg_class where oid = relid
    ) b
    where isleaf and (
      relid = 'realtime.messages'::regclass or bound = 'DEFAULT'
      or timezone('utc', now()) >= (regexp_match(bound, 'FROM \\(''([^'']+)''\\)'))[1]::timestamp
        and timezone('utc', now()) < (regexp_match(bound, 'TO \\(''([^'']+)''\\)'))[1]::timestamp
    )
    union all select null limit 1
  `;
  const open = await sql`
    select polname from pg_policy
    where polrelid = 'realtime.messages'::regclass and polcmd in ('r', '*') and polpermissive
      and pg_get_expr(polqual, polrelid) = 'true'
  `;
  const checks = open.map(({ polname }) =>
    found("messages_policy_open", `policy "${polname}"`, {
      paste: [`drop policy "${polname}" on realtime.messages;`],
    })
  );
  if (!partition) return [found("partition_missing", "none holds the time of now"), ...checks];
  return [ok("database", `${partition} takes the broadcasts of today`), ...checks];
}

/** Only where one of this repository's was applied: other projects have nothing to do with them. */
async function judgeMigrations(sql: Sql): Promise<Check[]> {
  const [{ exists }] = await sql`
    select to_regclass('supabase_migrations.schema_migrations') is not null as exists
  `;
  if (!exists) return [skipped("database", "there is no list of migrations that were applied")];
  const rows = await sql`select version from supabase_migrations.schema_migrations`;
  const applied = new Set(rows.map(({ version }) => version));
  const ours = [...Deno.readDirSync(MIGRATIONS)].map(({ name }) => name.split("_")[0]).sort();
  const lacking = ours.filter((version) => !applied.has(version));
  if (lacking.length === ours.length) return [];
  if (lacking.length > 0) return [found("migrations_missing", lacking.join(", "))];
  return [ok("database", `the ${ours.length} migrations of this repository are applied`)];
}
