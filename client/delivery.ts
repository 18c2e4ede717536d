import type { CatchUp } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import { contentOf, forget, identify, type Identity, insertId, mirrorId } from "./events.ts";
import { asJson, type Data, encode, type Frame, type Json } from "./frame.ts";
import type { Link } from "./link.ts";
import type { Session } from "./session.ts";

/** More than this wait for nobody: from then on older events may come after newer ones. */
const MAX_HELD = 10_000;

const EVENTS = ["postgres_changes", "broadcast"];

/** Takes an event of a link: delivers it, holds it, or drops what the application has had. */
export function admit(session: Session, link: Link, frame: Frame, data: Data): void {
  const channel = session.channels.get(frame.topic);
  if (!channel) return;
  const { memory } = channel;
  const isReplay = asJson(frame.payload.meta).replayed === true;
  const isGap = memory.gap && !memory.flowing && !isReplay && EVENTS.includes(frame.event);
  if (link === session.next || link.muted || isGap) {
    link.held.push({ frame, data });
    if (link.held.length > MAX_HELD) overflow(session, link);
    return;
  }
  if (link !== session.active) return;
  if (!EVENTS.includes(frame.event)) return session.port.deliver(data);
  if (isReplay && memory.gap) memory.gap.replayed++;
  if (frame.event === "broadcast") memory.broadcasts = true;
  deliver(session, link, channel, frame, data);
}

function overflow(session: Session, link: Link): void {
  if (link.muted) return void link.held.shift();
  if (link === session.next) return session.switch(link);
  for (const { memory } of session.channels.values()) memory.flowing = true;
  session.release(link);
}

function deliver(s: Session, link: Link, channel: Channel, frame: Frame, data: Data): void {
  const identity = identify(s.catchUps, frame);
  const fresh = freshIds(s, channel, identity, frame);
  if (identity.ids.length > 0 ? fresh.length === 0 : isRepeated(s, link, frame)) return;
  forget(s.catchUps, channel, frame);
  note(s, channel, identity, frame.event);
  s.lastEventAt = s.port.now();
  if (asJson(frame.payload.meta).replayed) s.caughtUp++;
  if (fresh.length === identity.ids.length) return s.port.deliver(data);
  const ids = (frame.payload.ids as unknown[]).filter((_, i) => fresh.includes(identity.ids[i]));
  s.tell({ ...frame, payload: { ...frame.payload, ids } });
}

function freshIds(s: Session, { memory }: Channel, { ids }: Identity, frame: Frame): string[] {
  const { seen, gap } = memory;
  const fresh = ids.filter((id) => !seen.has(id));
  if (fresh.length === 0 && gap && asJson(frame.payload.meta).replayed) gap.continuous = true;
  for (const id of fresh) seen.add(id, s.port.now());
  return fresh;
}

/** Without an identity an event is known only while two sockets carry it. */
function isRepeated({ overlap, next }: Session, _link: Link, frame: Frame): boolean {
  if (!overlap) return false;
  if (!next) return overlap.repeats(contentOf(frame));
  overlap.delivered(contentOf(frame));
  return false;
}

function note(s: Session, { memory }: Channel, { catchUp, time }: Identity, event: string): void {
  if (time === undefined) return;
  s.skew = Math.max(s.skew ?? -Infinity, time - s.port.now());
  if (catchUp) memory.last.set(catchUp, Math.max(memory.last.get(catchUp) ?? 0, time));
  if (event === "broadcast") memory.lastBroadcast = Math.max(memory.lastBroadcast ?? 0, time);
}

/** Delivers a row that was read again as the INSERT that it was. Returns false if it was seen. */
export function deliverRow(
  s: Session,
  link: Link,
  { topic }: Channel,
  catchUp: CatchUp,
  bindings: unknown[],
  row: Json,
): boolean {
  const channel = s.channels.get(topic);
  const { schema, table, key, time } = catchUp;
  const ids = bindings.filter((id) => !channel?.memory.seen.has(insertId(catchUp, row[key], id)));
  if (!channel || ids.length === 0) return false;
  const data = {
    ...{ schema, table, type: "INSERT", commit_timestamp: row[time], errors: null },
    ...{ columns: [], record: row },
  };
  const frame = { topic, event: "postgres_changes", payload: { ids, data } };
  s.caughtUp++;
  deliver(s, link, channel, frame, encode(s.vsn, frame));
  return true;
}

/** The same for a row whose topic mirrors the table by broadcasts. */
export function deliverMirrored(
  s: Session,
  link: Link,
  { topic }: Channel,
  { key }: CatchUp,
  event: string,
  payload: Json,
): boolean {
  const channel = s.channels.get(topic);
  if (!channel || channel.memory.seen.has(mirrorId(event, payload[key]))) return false;
  const frame = { topic, event: "broadcast", payload: { type: "broadcast", event, payload } };
  s.caughtUp++;
  deliver(s, link, channel, frame, encode(s.vsn, frame));
  return true;
}
