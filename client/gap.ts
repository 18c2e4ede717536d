import type { Channel } from "./channel.ts";
import { nameOf } from "./events.ts";
import type { Link } from "./link.ts";
import type { Session } from "./session.ts";

/** What may be missing: anything; UPDATE and DELETE; broadcasts that Realtime does not store. */
export type Missing = "events" | "updates" | "unstored";

/** Events in flight when a socket was lost happened this much before its last frame. */
export const IN_FLIGHT_MS = 10_000;

/** As many as Realtime replays. */
export const REPLAY_LIMIT = 25;

/** From the last frame of a lost socket on a topic may miss something. An open gap stays as it is. */
export function openGap(session: Session, channel: Channel, lastFrameAt?: number): void {
  const from = (lastFrameAt ?? session.port.now()) - IN_FLIGHT_MS;
  channel.memory.gap ??= { from, replayed: 0, continuous: false };
  channel.memory.flowing = false;
}

/** The end of a catch-up: live events go on, after word of what could not be had. */
export function closeGap(
  session: Session,
  link: Link,
  channel: Channel,
  missing?: Missing,
): void {
  const { gap } = channel.memory;
  const { topic } = channel;
  if (!gap || link !== session.active || session.channels.get(topic) !== channel) return;
  channel.memory.gap = undefined;
  if (missing) {
    const { from } = gap;
    const about = { extension: "relay", status: "gap", channel: nameOf(topic) };
    const message = "Events of this topic may be missing.";
    const payload = { ...about, from, to: session.port.now(), missing, message };
    session.tell({ topic, event: "system", payload });
  }
  session.release(link);
}

/** A live topic is closed to the application: it hears so, and may join anew. */
export function abandon(session: Session, link: Link, channel: Channel, reason: string): void {
  const { topic, join } = channel;
  openGap(session, channel, link.lastFrameAt);
  session.channels.delete(topic);
  link.places.delete(topic);
  const about = { extension: "system", status: "error", channel: nameOf(topic) };
  session.tell({ topic, event: "system", payload: { ...about, message: reason } });
  session.tell({ topic, event: "phx_error", ref: join.join_ref, payload: { reason } });
}
