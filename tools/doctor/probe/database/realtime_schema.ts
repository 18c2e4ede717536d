import type postgres from "postgres";
import { type Check, found, ok } from "../../check.ts";
import { ident } from "./quote.ts";

/** A realtime.check_equality_op, and who may not call it. */
interface Operator {
  name: string;
  arguments: number;
  lacking: string[];
}

/** The roles that Realtime asks as. */
const ROLES = ["anon", "authenticated"];

/**
 * Realtime's own schema, which it migrates by itself: whether its parts are of one age, and whether
 * the API's roles may call what filters are compared by.
 */
export async function probeRealtimeSchema(sql: postgres.Sql): Promise<Check[]> {
  const [{ migrations, subscription }] = await sql`
    select to_regclass('realtime.schema_migrations') is not null as migrations,
      to_regclass('realtime.subscription') is not null as subscription
  `;
  // The local stack keeps subscriptions in memory.
  if (!migrations || !subscription) return [];
  const told = await tellMigrations(sql);
  const operators = await sql<Operator[]>`
    select oid::regprocedure::text as name, pronargs::int as arguments, to_jsonb(array(
        select rolname::text from pg_roles where rolname in ${sql(ROLES)}
          and not has_function_privilege(rolname, f.oid, 'execute')
      )) as lacking
    from pg_proc f
    where pronamespace = 'realtime'::regnamespace and proname = 'check_equality_op'
  `;
  const [{ negate }] = await sql`
    select exists (
      select from pg_attribute where attrelid = to_regclass('realtime.user_defined_filter')
        and attname = 'negate' and not attisdropped
    ) as negate
  `;
  const half = await leftHalf(sql);
  if (half) return [found("realtime_schema_behind", `${half}; ${told}`)];
  return [judgeOperators(operators, negate, told)];
}

/** The comparison of filters: of one age with their type, and callable. */
function judgeOperators(operators: Operator[], negate: boolean, told: string): Check {
  const isFive = operators.some((it) => it.arguments === 5);
  if (operators.length === 0 || negate !== isFive) {
    const saw = operators.length === 0
      ? `there is no realtime.check_equality_op; ${told}`
      : `check_equality_op ${isFive ? "negates" : "does not negate"}, and user_defined_filter ${
        negate ? "does" : "does not"
      }; ${told}`;
    return found("realtime_schema_behind", saw);
  }
  const shut = operators.filter(({ lacking }) => lacking.length > 0);
  if (shut.length > 0) {
    const paste = shut.map(({ name, lacking }) =>
      `grant execute on function ${name} to ${lacking.map(ident).join(", ")};`
    );
    const roles = [...new Set(shut.flatMap(({ lacking }) => lacking))].join(" and ");
    const saw = `${roles} may not call ${shut[0].name}; ${told}`;
    return found("realtime_schema_behind", saw, { paste });
  }
  return ok("database", `Realtime's own schema: ${told}`);
}

/** The last migration that is known here, and how many a database has that has run it. */
const KNOWN = { last: "20260709120000", count: 81 };

/** What a series of migrations that stopped in its midst leaves behind. */
async function leftHalf(sql: postgres.Sql): Promise<string | undefined> {
  const [{ second, count, last }] = await sql`
    select to_regtype('realtime.user_defined_filter_v2') is not null as second,
      (select count(*)::int from realtime.schema_migrations where version <= ${KNOWN.last}::bigint)
        as count,
      (select max(version)::text from realtime.schema_migrations) as last
  `;
  if (second) return "there is a user_defined_filter_v2, which is renamed at the end";
  if (last >= KNOWN.last && count < KNOWN.count) {
    return `${KNOWN.count - count} migrations were left out`;
  }
}

async function tellMigrations(sql: postgres.Sql): Promise<string> {
  const [{ count, last }] = await sql`
    select count(*)::int as count, max(version)::text as last from realtime.schema_migrations
  `.catch(() => [{ count: undefined, last: undefined }]);
  return last ? `${count} migrations, up to ${last}` : "no migrations are told";
}
