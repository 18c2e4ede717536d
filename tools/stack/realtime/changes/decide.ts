/** Gets a verdict on every change, also where one of them brings the whole question down. */
import type postgres from "postgres";
import { isLost } from "../database/database.ts";
import type { Log } from "../../log.ts";
import type { Change } from "../log/pgoutput.ts";
import type { Group } from "./audiences.ts";
import { question } from "./question.ts";
import { readVerdict, type Verdict } from "./verdict.ts";

interface DecideOptions {
  sql: postgres.Sql;
  groupsOf: (oid: number) => Group[];
  /** A change above it keeps only its small columns. */
  maxBytes: number;
  log: Log;
}

/**
 * Who may see the changes. A batch that the database cannot decide is halved until the change is
 * found that is why, and that one is a failure for all who asked. A lost connection is thrown.
 */
export async function decide(changes: Change[], options: DecideOptions): Promise<Verdict> {
  try {
    return await ask(changes, options);
  } catch (error) {
    if (isLost(error)) throw error;
    if (changes.length === 1) return giveUp(changes[0], options, error as Cause);
    const half = Math.ceil(changes.length / 2);
    const first = await decide(changes.slice(0, half), options);
    const second = await decide(changes.slice(half), options);
    return {
      sights: [...first.sights, ...second.sights],
      failures: [...first.failures, ...second.failures],
    };
  }
}

/** One question for the whole batch. */
async function ask(
  changes: Change[],
  { sql, groupsOf, maxBytes }: DecideOptions,
): Promise<Verdict> {
  const { batch, claims, variants } = question(changes, groupsOf);
  const rows = await sql`
    select * from local_realtime.visible(
      ${JSON.stringify(batch)}::text::jsonb, ${JSON.stringify(claims)}::text::jsonb, ${maxBytes}
    )
  `;
  return readVerdict(rows, changes, variants);
}

interface Cause {
  code: string;
  message: string;
}

function giveUp(
  change: Change,
  { groupsOf, log }: DecideOptions,
  { code, message }: Cause,
): Verdict {
  const { oid, schema, name } = change.relation;
  log({ event: "change_lost", table: `${schema}.${name}`, code });
  const groups = groupsOf(oid).map(({ index }) => index);
  return { sights: [], failures: [{ change, groups, code, message }] };
}
