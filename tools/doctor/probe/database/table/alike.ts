import type postgres from "postgres";
import { type Check, found } from "../../../check.ts";

/** Each is a line of the report. */
const MOST = 5;

/** Tables of the publication that Realtime finds by another one's name, which it looks up by LIKE. */
export async function probeAlike(sql: postgres.Sql): Promise<Check[]> {
  const pairs = await sql<{ asked: string; got: string }[]>`
    select format('%I.%I', asked.schemaname, asked.tablename) as asked,
      format('%I.%I', got.schemaname, got.tablename) as got
    from pg_publication_tables asked
    join pg_publication_tables got on got.pubname = asked.pubname
      and got.schemaname like asked.schemaname escape ''
      and got.tablename like asked.tablename escape ''
      and (got.schemaname, got.tablename) <> (asked.schemaname, asked.tablename)
    where asked.pubname = 'supabase_realtime'
    order by asked, got
    limit ${MOST}
  `;
  return pairs.map(({ asked, got }) =>
    found("tables_alike", `a subscription to ${asked} is one to ${got}, too`)
  );
}
