import type postgres from "postgres";
import { SCHEMAS } from "./missing.ts";

/** More would push what was told before off the screen. */
const MOST = 10;
/** `net.http_post(` and `vault.decrypted_secrets`, and not the end of `example.net`. */
const CALL = `(?:^|[^\\w."'])((?:${Object.keys(SCHEMAS).join("|")})\\.\\w+)`;

/**
 * A sentence for each function of the database that names what no package brings. Postgres looks at
 * bodies when they run, so such a function is made without an error, and fails whoever meets it: a
 * trigger fails the statement that fires it.
 */
export async function tellMissingCalls(sql: postgres.Sql): Promise<string[]> {
  const found = await sql<{ name: string; call: string }[]>`
    select oid::regprocedure::text as name, (regexp_match(prosrc, ${CALL}))[1] as call
    from pg_proc
    where prosrc ~ ${CALL}
      and prolang in (select oid from pg_language where lanname in ('plpgsql', 'sql'))
      and pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'extensions')
    order by 1`;
  const there = await sql`select nspname as name from pg_namespace`;
  const schemas = new Set(there.map(({ name }) => name));
  const sentences = found
    .filter(({ call }) => !schemas.has(call.split(".")[0]))
    .map(({ name, call }) =>
      `${name} names ${call}, which no package brings: it fails when it runs.`
    );
  const more = sentences.length - MOST;
  return more > 0 ? [...sentences.slice(0, MOST), `and ${more} more functions.`] : sentences;
}
