import type { CatchUp, CatchUpRequest } from "./catch_up.ts";
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
  const { bindings, broadcasts } = there.channel;
  const rows = await readTables(session, there);
  const isQuiet = bindings.length > 0 && !broadcasts;
  const all = [isQuiet ? undefined : await readBroadcasts(session, there), rows];
  return all.includes("events") ? "events" : all[0] ?? all[1];
}

/** INSERTs are read again for each binding, and delivered to it as what they were. */
async function readTables(session: Session, there: Place): Promise<Missing | undefined> {
  let missing: Missing | undefined;
  const { topic, bindings } = there.channel;
  for (const { event, id, filter, ...names } of bindings) {
    const catchUp = tableOf(session.catchUps, names);
    if (event !== "INSERT") missing ??= "updates";
    if (event === "UPDATE" || event === "DELETE") continue;
    if (!catchUp) missing = "events";
    else {
      const { schema, table, time } = catchUp;
      await read(session, there, catchUp, filter as string, (record) => {
        const about = { schema, table, type: "INSERT", commit_timestamp: record[time] };
        const data = { ...about, errors: null, columns: [], record };
        return { topic, event: "postgres_changes", payload: { ids: [id], data } };
      });
    }
  }
  return missing;
}

async function readBroadcasts(session: Session, there: Place): Promise<Missing | undefined> {
  const { topic } = there.channel;
  const [catchUp, mirror] = mirrorOf(session.catchUps, topic) ?? [];
  if (!catchUp || !mirror) {
    return isReplayed(session, there.channel) ? await takeReplay(session, there) : "events";
  }
  const { event, filter } = mirror;
  await read(session, there, catchUp, filter, (row) => ({
    topic,
    event: "broadcast",
    payload: { type: "broadcast", event, payload: mirror.payload(row) },
  }));
}

/** Delivers what is in the table since the last event, less what the application has had. */
async function read(
  session: Session,
  there: Place,
  catchUp: CatchUp,
  filter: string | undefined,
  frameOf: (row: Json) => Frame,
): Promise<void> {
  const { channel, link } = there;
  const since = new Date(sinceOf(session, channel, catchUp)).toISOString();
  const request: CatchUpRequest = { since, filter, signal: link.gone.signal };
  for await (const rows of catchUp.read(request)) {
    if (!isLive(session, there)) return;
    for (const row of rows) deliver(session, channel, frameOf(row), true);
  }
}

function sinceOf({ skew = 0 }: Session, channel: Channel, catchUp: CatchUp): number {
  // What came before the application was joined is not its business.
  const joined = (channel.joinedAt ?? 0) + skew - CLOCK_MS;
  const last = channel.last.get(catchUp);
  return last ? Math.max(last - catchUp.overlapMs, joined) : joined;
}

/**
 * Delivers what Realtime has sent again; all of it comes before the answer to a heartbeat. What is
 * older than an event that the application has had was missed before and told then: it would come
 * late now, after newer ones.
 */
async function takeReplay(session: Session, there: Place): Promise<Missing | undefined> {
  const { link, channel } = there;
  await new Promise<void>((go) => session.ask(link, go));
  if (!isLive(session, there)) return;
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
