import type postgres from "postgres";
import { blind, type Check } from "../../check.ts";
import type { Context } from "../../context.ts";
import type { Area } from "../../findings/mod.ts";
import { probeAlike } from "./table/alike.ts";
import { answered, connect, Unanswered, whyNot } from "./connect.ts";
import { probeMessages } from "./messages.ts";
import { probeRealtimeSchema } from "./realtime_schema.ts";
import { probeServer } from "./server.ts";
import { probeTable } from "./table/table.ts";
import { probeTenant } from "./tenant/tenant.ts";

/** A question that takes longer tells more about the table's size than about Realtime. */
const STATEMENT_MS = 5_000;

/**
 * As a project's owner has it: what is printed to be pasted names tables as that role finds them, and
 * `users` is none of another schema.
 */
const SEARCH_PATH = '"$user", public, extensions';

/** Everything that the database says, by reading alone. */
export async function probeDatabase(context: Context, db: string): Promise<Check[]> {
  const { waitMs } = context.options;
  let sql = connect(db, waitMs, {
    connection: { statement_timeout: STATEMENT_MS, search_path: SEARCH_PATH },
  });
  try {
    sql = await answered(opened(sql, () => connect(db, waitMs)), 2 * waitMs);
  } catch (error) {
    await sql.end({ timeout: 1 });
    return [blind("database", await whyNot(db, error as Error))];
  }
  const probes = [
    ["tenant", () => probeTenant(sql, context)],
    ["database", () => probeServer(sql)],
    ["database", () => probeTable(sql, context)],
    ["database", () => probeAlike(sql)],
    ["database", () => probeMessages(sql, context)],
    ["database", () => probeRealtimeSchema(sql)],
  ] as const;
  const checks: Check[] = [];
  try {
    for (const [area, probe] of probes) checks.push(...await tryProbe(area, probe));
  } catch (error) {
    checks.push(blind("database", `${(error as Error).message}, and the rest was not asked`));
  }
  await sql.end({ timeout: 1 });
  return checks;
}

/** The connection, or where a pooler does not take its settings, another one without them. */
async function opened(sql: postgres.Sql, plain: () => postgres.Sql): Promise<postgres.Sql> {
  try {
    await sql`select 1`;
    return sql;
  } catch (error) {
    if (!/unsupported startup parameter/i.test((error as Error).message)) throw error;
    await sql.end({ timeout: 1 });
    const other = plain();
    await other`select 1`;
    return other;
  }
}

/** A role that may not read one thing may still read the others. Throws where nobody answers. */
async function tryProbe(area: Area, probe: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await answered(probe());
  } catch (error) {
    if (error instanceof Unanswered) throw error;
    return [blind(area, `a question failed: ${(error as Error).message}`)];
  }
}
