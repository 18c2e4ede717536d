import type { Channel } from "./channel.ts";
import { forget, identify, type Identity } from "./events.ts";
import { asArray, asJson, type Frame, withPayload } from "./frame.ts";
import { openGap } from "./gap.ts";
import { repeats } from "./handover.ts";
import type { Link } from "./link.ts";
import type { Session } from "./session.ts";

/** More than this do not wait: the oldest is dropped, and its topic told so with its gap. */
const MAX_HELD = 10_000;

/** Bounds the memory of a topic; at 300 events a second it is reached in a minute. */
const MAX_SEEN = 20_000;

const EVENTS = ["postgres_changes", "broadcast"];

export const isReplay = ({ payload }: Frame): boolean => asJson(payload.meta).replayed === true;

/** Takes an event of a link: delivers it, holds it, or drops what the application has had. */
export function admit(session: Session, link: Link, frame: Frame): void {
  const channel = session.channels.get(frame.topic);
  if (!channel) return;
  const isEvent = EVENTS.includes(frame.event);
  if (isReplay(frame) && link.places.get(frame.topic)?.spent) return;
  if (link === session.next || link.muted || (isEvent && channel.gap)) {
    link.held.push(frame);
    if (link.held.length > MAX_HELD) dropOldest(session, link);
  } else if (link === session.active) {
    if (isEvent) deliver(session, channel, frame);
    else session.port.deliver(frame);
  }
}

function dropOldest(session: Session, link: Link): void {
  const channel = session.channels.get(link.held.shift()!.topic);
  // What the next socket holds the active one delivers.
  if (!channel || link === session.next) return;
  openGap(session, channel);
  channel.isCut = true;
}

/** Delivers an event that nothing is to wait for any more, unless the application has had it. */
export function deliver(session: Session, channel: Channel, frame: Frame, isOld?: boolean): void {
  const { catchUps, figures, port } = session;
  const identity = identify(catchUps, frame);
  const { ids } = identity;
  const fresh = ids.filter((id) => !channel.seen.has(id));
  if (ids.length > 0 ? fresh.length === 0 : repeats(session, frame)) return;
  forget(catchUps, channel, frame);
  for (const id of fresh) remember(session, channel, id);
  note(session, channel, identity, frame.event);
  figures.lastEventAt = port.clock.now();
  if (isOld) figures.caughtUp++;
  if (fresh.length === ids.length) return port.deliver(frame);
  const { payload } = frame;
  const bindings = asArray(payload.ids).filter((_, i) => fresh.includes(ids[i]));
  port.deliver(withPayload(frame, { ...payload, ids: bindings }));
}

/**
 * An identity is dropped when a newer one comes, so that a silent hour forgets nothing that a reader
 * may still bring again.
 */
function remember({ keepMs, port }: Session, { seen }: Channel, id: string): void {
  const now = port.clock.now();
  seen.set(id, now);
  for (const [oldest, at] of seen) {
    if (seen.size <= MAX_SEEN && now - at <= keepMs) return;
    seen.delete(oldest);
  }
}

function note(session: Session, channel: Channel, { catchUp, time }: Identity, event: string) {
  if (event === "broadcast") channel.broadcasts = true;
  if (!time) return;
  session.skew = Math.max(session.skew ?? -Infinity, time - session.port.clock.now());
  const source = catchUp ?? event;
  channel.last.set(source, Math.max(channel.last.get(source) ?? 0, time));
}
