/** Gets a verdict on every change, also where one of them brings the whole question down. */
import { isLost, type Log } from "./database.ts";
import type { Change } from "./pgoutput.ts";
import { look, type Question, type Verdict } from "./visibility.ts";

/**
 * Who may see the changes. A batch that the database cannot decide is halved until the change is
 * found that is why, and that one is a failure for all who asked. A lost connection is thrown.
 */
export async function decide(
  changes: Change[],
  question: Question & { log: Log },
): Promise<Verdict> {
  try {
    return await look(changes, question);
  } catch (error) {
    if (isLost(error)) throw error;
    if (changes.length === 1) return giveUp(changes[0], question, error as Cause);
    const half = Math.ceil(changes.length / 2);
    const first = await decide(changes.slice(0, half), question);
    const second = await decide(changes.slice(half), question);
    return {
      sights: [...first.sights, ...second.sights],
      failures: [...first.failures, ...second.failures],
    };
  }
}

interface Cause {
  code: string;
  message: string;
}

function giveUp(
  change: Change,
  { groupsOf, log }: Question & { log: Log },
  { code, message }: Cause,
): Verdict {
  const { oid, schema, name } = change.relation;
  log({ event: "change_lost", table: `${schema}.${name}`, code });
  const groups = groupsOf(oid).map(({ index }) => index);
  return { sights: [], failures: [{ change, groups, code, message }] };
}
