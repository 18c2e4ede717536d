import type { CatchUp } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import { deliverMirrored, deliverRow } from "./delivery.ts";
import type { Link } from "./link.ts";
import { type Missing, REPLAY_LIMIT } from "./gap.ts";
import type { Session } from "./session.ts";

/** Between this machine's clock and a row's time lie at most this and what events have told. */
const CLOCK_MS = 10_000;

/** Brings what a topic missed, oldest first. Returns what may still be missing. May throw. */
export async function readGap(
  session: Session,
  link: Link,
  channel: Channel,
  signal: AbortSignal,
): Promise<Missing | undefined> {
  if (channel.bindings.length === 0) return await readBroadcasts(session, link, channel, signal);
  let missing: Missing | undefined;
  const { memory } = channel;
  if (memory.broadcasts) missing = "unstored";
  for (const { catchUp, filter, ids } of tablesOf(session.catchUps, channel)) {
    if (!catchUp) {
      missing = "events";
      continue;
    }
    for await (const rows of catchUp.read(request(session, channel, catchUp, filter, signal))) {
      if (signal.aborted) return;
      for (const row of rows) deliverRow(session, link, channel, catchUp, ids, row);
    }
  }
  if (!missing && channel.bindings.some(({ event }) => event !== "INSERT")) missing = "updates";
  return missing;
}

async function readBroadcasts(
  session: Session,
  link: Link,
  channel: Channel,
  signal: AbortSignal,
): Promise<Missing | undefined> {
  const found = session.mirrorOf(channel);
  if (found) {
    const [catchUp, { event, filter, payload }] = found;
    for await (const rows of catchUp.read(request(session, channel, catchUp, filter, signal))) {
      if (signal.aborted) return;
      for (const row of rows) {
        deliverMirrored(session, link, channel, catchUp, event, payload(row));
      }
    }
    return undefined;
  }
  if (!session.isReplayed(channel)) return "events";
  await new Promise<void>((resolve) => session.barrier(link, resolve));
  const { gap } = channel.memory;
  return gap && gap.replayed >= REPLAY_LIMIT && !gap.continuous ? "events" : "unstored";
}

interface Table {
  catchUp?: CatchUp;
  filter?: string;
  ids: unknown[];
}

/** One reading for each filter on each table; tables that cannot be read again have no catch-up. */
function tablesOf(catchUps: CatchUp[], { bindings }: Channel): Iterable<Table> {
  const tables = new Map<string, Table>();
  for (const { schema, table, filter, event, id } of bindings as Record<string, string>[]) {
    if (event !== "INSERT" && event !== "*") continue;
    const catchUp = catchUps.find((c) => c.schema === schema && c.table === table);
    const name = JSON.stringify([schema, table, filter]);
    const known = tables.get(name) ?? { catchUp, filter, ids: [] };
    known.ids.push(id);
    tables.set(name, known);
  }
  return tables.values();
}

function request(
  { skew = 0 }: Session,
  { memory }: Channel,
  catchUp: CatchUp,
  filter: string | undefined,
  signal: AbortSignal,
) {
  // What came before the application was joined is not its business.
  const joined = (memory.joinedAt ?? 0) + skew - CLOCK_MS;
  const last = memory.last.get(catchUp);
  const since = last === undefined ? joined : Math.max(last - catchUp.overlapMs, joined);
  return { since: new Date(since).toISOString(), filter, signal } as {
    since: string;
    filter?: string;
    signal: AbortSignal;
  };
}
