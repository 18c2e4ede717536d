import type { CatchUp, Mirror } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import { deliver, isReplay } from "./delivery.ts";
import { identify, mirrorOf, tableOf } from "./events.ts";
import type { Frame, Json } from "./frame.ts";
import { isReplayed, type Missing, REPLAY_LIMIT } from "./gap.ts";
import type { Place } from "./link.ts";
import { isLive } from "./place.ts";
import type { Session } from "./session.ts";

/** Between this machine's clock and a row's time lie at most this and what events have told. */
const CLOCK_MS = 10_000;

/** Brings what a topic missed, oldest first. Returns what may still be missing. May throw. */
export async function readGap(session: Session, there: Place): Promise<Missing | undefined> {
  const { channel } = there;
  const [catchUp, mirror] = mirrorOf(session.catchUps, channel.topic) ?? [];
  let missing = await readTables(session, there);
  if (channel.bindings.length > 0 && !channel.broadcasts) return missing;
  if (mirror) await read(session, there, catchUp!, mirror.filter, broadcastOf(mirror));
  else if (!isReplayed(session, channel)) missing = "events";
  else {
    // All of it comes before the answer to a heartbeat.
    await new Promise<void>((go) => session.ask(there.link, go));
    if (!isLive(session, there)) return;
    const unsent = deliverReplay(session, there);
    if (missing !== "events") missing = unsent;
  }
  return missing;
}

/** INSERTs are read again for each binding, and delivered to it as what they were. */
async function readTables(session: Session, there: Place): Promise<Missing | undefined> {
  let missing: Missing | undefined;
  for (const { event, id, filter, ...names } of there.channel.bindings) {
    const catchUp = tableOf(session.catchUps, names);
    if (event !== "INSERT") missing ??= "updates";
    if (event === "UPDATE" || event === "DELETE") continue;
    if (catchUp) await read(session, there, catchUp, filter as string, insertOf(catchUp, id));
    else missing = "events";
  }
  return missing;
}

type FrameOf = (row: Json) => Omit<Frame, "topic">;

const insertOf = ({ schema, table, time }: CatchUp, id: unknown): FrameOf => (record) => {
  const about = { schema, table, type: "INSERT", commit_timestamp: record[time] };
  const data = { ...about, errors: null, columns: [], record };
  return { event: "postgres_changes", payload: { ids: [id], data } };
};

const broadcastOf = ({ event, payload }: Mirror): FrameOf => (row) => ({
  event: "broadcast",
  payload: { type: "broadcast", event, payload: payload(row) },
});

/** Delivers what is in the table since the last event, less what the application has had. */
async function read(
  session: Session,
  there: Place,
  catchUp: CatchUp,
  filter: string | undefined,
  frameOf: FrameOf,
): Promise<void> {
  const { channel, link: { gone: { signal } } } = there;
  const { topic } = channel;
  const since = new Date(sinceOf(session, channel, catchUp)).toISOString();
  for await (const rows of catchUp.read({ since, filter, signal })) {
    if (!isLive(session, there)) return;
    for (const row of rows) deliver(session, channel, { topic, ...frameOf(row) }, true);
  }
}

function sinceOf({ skew = 0 }: Session, channel: Channel, catchUp: CatchUp): number {
  // What came before the application was joined is not its business.
  const joined = (channel.joinedAt ?? 0) + skew - CLOCK_MS;
  const last = channel.last.get(catchUp);
  return last ? Math.max(last - catchUp.overlapMs, joined) : joined;
}

/**
 * Delivers what Realtime has sent again and a link holds. What is older than an event that the
 * application has had was missed before and told then: it would come late now, after newer ones.
 */
export function deliverReplay(session: Session, { link, channel }: Place): Missing {
  const isOwn = (frame: Frame) => frame.topic === channel.topic && isReplay(frame);
  const replayed = link.held.filter(isOwn);
  link.held = link.held.filter((frame) => !isOwn(frame));
  const isKnown = (frame: Frame) =>
    identify(session.catchUps, frame).ids.some((id) => channel.seen.has(id));
  const lastKnown = replayed.map(isKnown).lastIndexOf(true);
  const isLate = !replayed.slice(0, lastKnown + 1).every(isKnown);
  for (const frame of replayed.slice(lastKnown + 1)) deliver(session, channel, frame, true);
  const isCut = lastKnown < 0 && replayed.length >= REPLAY_LIMIT;
  return isLate || isCut ? "events" : "unstored";
}
