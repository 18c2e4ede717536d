import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../../check.ts";
import type { Context } from "../../context.ts";
import { MIGRATIONS } from "./migrations.ts";
import { ident } from "./quote.ts";
import { probeTopic } from "./topic.ts";

/** realtime.messages, which private channels and broadcasts from the database go by; migrations. */
export async function probeMessages(sql: postgres.Sql, context: Context): Promise<Check[]> {
  const [{ exists }] = await sql`select to_regclass('realtime.messages') is not null as exists`;
  const messages = exists
    ? [...await judgeMessages(sql), ...await probeTopic(sql, context)]
    : [found("messages_missing", "there is no realtime.messages")];
  return [...messages, ...await judgeMigrations(sql), ...await judgeLeftOpen(sql)];
}

async function judgeMessages(sql: postgres.Sql): Promise<Check[]> {
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
  // Nobody is let in by a policy whom none holds back, nor where a restrictive one says no.
  const open = await sql`
    with policies as (
      select *, pg_get_expr(polqual, polrelid) as condition from pg_policy
      where polrelid = 'realtime.messages'::regclass and polcmd in ('r', '*')
    )
    select polname from policies p
    where polpermissive and condition = 'true' and exists (
      select from unnest(polroles) role left join pg_roles on pg_roles.oid = role
      where not coalesce(rolsuper or rolbypassrls, false)
    ) and not exists (
      select from policies
      where not polpermissive and condition <> 'true'
        and (0 = any (polroles) or p.polroles <@ polroles)
    )
  `;
  const [{ owner }] = await sql`
    select (
      select pg_get_userbyid(relowner) from pg_class
      where oid = to_regclass('realtime.messages') and relkind in ('r', 'p') and not relrowsecurity
    ) as owner
  `;
  const checks = open.map(({ polname }) =>
    found("messages_policy_open", `policy "${polname}"`, {
      paste: [`drop policy ${ident(polname)} on realtime.messages;`],
    })
  );
  if (owner) {
    const saw = `realtime.messages has row level security disabled; ${owner} may enable it`;
    checks.unshift(found("messages_rls_off", saw, { paste: [`-- as ${ident(owner)}`, RLS_ON] }));
  }
  if (!partition) return [found("partition_missing", "none holds the time of now"), ...checks];
  return [ok("database", `${partition} takes the broadcasts of today`), ...checks];
}

const RLS_ON = "alter table realtime.messages enable row level security;";

/** Only where one of this repository's was applied: other projects have nothing to do with them. */
async function judgeMigrations(sql: postgres.Sql): Promise<Check[]> {
  const [list] = await sql`
    select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as "isOpen"
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = 'supabase_migrations' and relname = 'schema_migrations'
  `;
  if (!list) return [skipped("database", "there is no list of migrations that were applied")];
  if (!list.isOpen) return [skipped("database", "the list of migrations may not be read")];
  const rows = await sql`select version from supabase_migrations.schema_migrations`;
  const applied = new Set(rows.map(({ version }) => version));
  const lacking = MIGRATIONS.filter((version) => !applied.has(version));
  if (lacking.length === MIGRATIONS.length) return [];
  if (lacking.length > 0) return [await judgeLacking(sql, lacking)];
  return [ok("database", `the ${MIGRATIONS.length} migrations of this repository are applied`)];
}

/** What the migrations themselves say that they were not allowed to do, and to whom it is left. */
async function judgeLeftOpen(sql: postgres.Sql): Promise<Check[]> {
  const [{ exists }] = await sql`
    select exists (
      select from pg_views where schemaname = 'relay' and viewname = 'left_open'
    ) and coalesce(has_schema_privilege('relay', 'usage'), false) as exists
  `;
  if (!exists) return [];
  const rows = await sql<{ what: string; owner: string; statement: string }[]>`
    select what, owner, statement from relay.left_open
  `.catch(() => []);
  // A finding of its own, with or without migrations.
  const left = rows.filter(({ statement }) => statement !== RLS_ON);
  if (left.length === 0) return [];
  const saw = left.map(({ what, owner }) => `${what} (${owner} may)`).join("; ");
  const paste = left.flatMap(({ owner, statement }) => [
    `-- as ${owner}`,
    ...statement.split("\n"),
  ]);
  return [found("migrations_closed", saw, { paste })];
}

/** A role that may not do what a migration does is not helped by pushing it again. */
async function judgeLacking(sql: postgres.Sql, lacking: string[]): Promise<Check> {
  const [{ me, isSuper, isSuperOwned, messages, publication, schema, isShut }] = await sql`
    select current_user as me,
      (select rolsuper from pg_roles where rolname = current_user) as "isSuper",
      (select pg_get_userbyid(relowner) from pg_class
        where oid = to_regclass('realtime.messages')
          and not pg_has_role(relowner, 'usage')) as messages,
      (select rolsuper from pg_class join pg_roles on pg_roles.oid = relowner
        where pg_class.oid = to_regclass('realtime.messages')) as "isSuperOwned",
      (select pg_get_userbyid(pubowner) from pg_publication
        where pubname = 'supabase_realtime' and not pg_has_role(pubowner, 'usage')) as publication,
      (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'relay') as schema,
      not coalesce(
        (select has_schema_privilege(oid, 'usage') and has_schema_privilege(oid, 'create')
          from pg_namespace where nspname = 'relay'),
        has_database_privilege(current_database(), 'create')
      ) as "isShut"
  `;
  const shut = [
    messages && lacking.some((it) => it >= MESSAGES) &&
    `change policies on realtime.messages (${messages})`,
    publication && lacking.some((it) => it >= PUBLICATION) &&
    `change the publication supabase_realtime (${publication})`,
    // Without it the push stops, whatever else is allowed.
    isShut && lacking.some((it) => it >= MESSAGES) &&
    (schema ? `make anything in the schema relay (${schema})` : "make the schema relay"),
  ].filter(Boolean);
  if (isSuper || shut.length === 0) return found("migrations_missing", lacking.join(", "));
  const saw = `${lacking.join(", ")}: ${me} may not ${shut.join(", nor ")}`;
  const paste = [
    "-- as a superuser, such as supabase_admin; then: supabase db push --linked",
    ...(publication ? [`alter publication supabase_realtime owner to ${ident(me)};`] : []),
    // Never a superuser's rights for the sake of one policy.
    ...(messages && !isSuperOwned ? [`grant ${ident(messages)} to ${ident(me)};`] : []),
    ...(isShut && schema ? [`grant usage, create on schema relay to ${ident(me)};`] : []),
    ...(isShut && !schema ? [`create schema relay authorization ${ident(me)};`] : []),
  ];
  return found("migrations_closed", saw, { paste });
}

/** The first migrations that want more than the tables of this repository. */
const [PUBLICATION, MESSAGES] = ["20261121000005", "20261121000006"];
