import type { Channel } from "./channel.ts";
import { admit } from "./delivery.ts";
import { asJson, type Data, decode, encode, type Frame, type Json } from "./frame.ts";
import { openGap } from "./gap.ts";
import type { Link, Place } from "./link.ts";
import { OWN_REF, type Session } from "./session.ts";

/** Takes what a link brings. */
export function fromLink(session: Session, link: Link, data: Data): void {
  link.lastFrameAt = session.port.now();
  const frame = decode(session.vsn, data);
  const isActive = link === session.active;
  if (!frame) return void (isActive && session.port.deliver(data));
  // The relay itself answers joins, also of those that it refuses, and speaks about the socket.
  if (!link.proven && !isError(frame) && frame.event !== "system") session.prove(link);
  if (isOwn(link, frame)) return;
  if (frame.ref && link.pending.get(frame.ref) && frame.event === "phx_reply") {
    return pending(session, link, frame, data);
  }
  if (!isActive && link !== session.next) return;
  if (frame.topic === "phoenix") return aboutSocket(session, link, frame, data);
  const channel = session.channels.get(frame.topic);
  const place = link.places.get(frame.topic);
  if (!channel || !place) return void (isActive && !channel && session.port.deliver(data));
  switch (frame.event) {
    case "phx_reply":
      return onReply(session, link, channel, place, frame, data);
    case "system":
      return onSystem(session, link, channel, place, frame, data);
    case "phx_close":
    case "phx_error":
      return onClose(session, link, channel, place, frame, data);
    default:
      return onEvent(session, link, channel, place, frame, data);
  }
}

const isError = ({ event, payload }: Frame) => event === "phx_reply" && payload.status === "error";

/** Answers to the transport's own pushes go no further. */
function isOwn(link: Link, { ref }: Frame): boolean {
  if (typeof ref !== "string" || !ref.startsWith(OWN_REF)) return false;
  const then = link.barriers.get(ref);
  link.barriers.delete(ref);
  then?.();
  return true;
}

function pending(session: Session, link: Link, frame: Frame, data: Data): void {
  link.pending.delete(frame.ref!);
  const track = session.channels.get(frame.topic)?.track;
  if (track?.frame.ref === frame.ref) track!.answered = true;
  session.port.deliver(data);
}

function aboutSocket(session: Session, link: Link, frame: Frame, data: Data): void {
  if (frame.event === "system" && frame.payload.extension === "relay") {
    return session.port.notice(link, frame.payload);
  }
  if (link === session.active) session.port.deliver(data);
}

function onReply(
  session: Session,
  link: Link,
  channel: Channel,
  place: Place,
  frame: Frame,
  data: Data,
): void {
  const isActive = link === session.active;
  if (frame.ref === channel.join.ref) {
    return isError(frame)
      ? refused(session, link, channel, frame, data)
      : joined(session, link, channel, place, frame, data);
  }
  const { track } = channel;
  if (track && frame.ref === track.frame.ref) {
    if (track.answered) return;
    track.answered = true;
  }
  if (isActive) session.port.deliver(data);
}

function joined(s: Session, link: Link, channel: Channel, place: Place, frame: Frame, data: Data) {
  const response = asJson(frame.payload.response);
  const bindings = Array.isArray(response.postgres_changes) ? response.postgres_changes : [];
  if (place.joined) return;
  place.joined = true;
  channel.failures = 0;
  if (!channel.acked) {
    channel.bindings = bindings;
    if (link === s.active) s.acknowledge(link, channel, data);
    else place.answer = { frame, data };
  }
  bindings.forEach(({ id }: Json, i) => {
    const known = channel.bindings[i]?.id;
    if (known !== undefined && known !== id) place.ids.set(id, known);
  });
  s.flush(link, channel);
  place.ready = bindings.length === 0 || place.reported.has("postgres_changes");
  if (place.ready) s.ready(link, channel);
}

function refused(s: Session, link: Link, channel: Channel, frame: Frame, data: Data): void {
  const reason = String(asJson(frame.payload.response).reason ?? "error");
  if (channel.acked) return s.port.failed(channel, link, reason);
  // A worker that is ending refuses for a moment: the next one is asked before anybody is told.
  if (link !== s.active || (!link.proven && /^(draining|restart):/.test(reason))) return;
  s.channels.delete(channel.topic);
  link.places.delete(channel.topic);
  s.port.deliver(data);
}

function onSystem(
  s: Session,
  link: Link,
  channel: Channel,
  place: Place,
  { payload }: Frame,
  data: Data,
): void {
  const { extension, status } = payload;
  if (extension === "relay" && status === "gap") return s.port.lost(channel, link);
  const message = String(payload.message ?? "");
  if (status === "error" && /token has expired|InvalidJWT/i.test(message)) {
    place.closes++;
    return s.port.expired(link);
  }
  if (status === "error" && extension === "postgres_changes" && !place.ready && channel.acked) {
    if (channel.reported.has(extension)) return s.port.failed(channel, link, message);
  }
  const isFirst = status === "ok" && !place.reported.has(extension);
  if (isFirst) place.reported.add(extension);
  const isNews = !isFirst || !channel.reported.has(extension);
  if (link === s.active && isNews) {
    if (isFirst) channel.reported.add(extension);
    s.port.deliver(data);
  }
  if (isFirst && extension === "postgres_changes" && place.joined && !place.ready) {
    place.ready = true;
    s.ready(link, channel);
  }
}

function onClose(
  s: Session,
  link: Link,
  channel: Channel,
  place: Place,
  { event, ref }: Frame,
  data: Data,
): void {
  if (event === "phx_close" && place.closes > 0) return void place.closes--;
  if (ref && ref !== channel.join.join_ref && ref !== channel.join.ref) return;
  if (link !== s.active) return void link.places.delete(channel.topic);
  if (channel.acked) openGap(s, channel, link.lastFrameAt);
  s.channels.delete(channel.topic);
  link.places.delete(channel.topic);
  if (event === "phx_close") s.memories.delete(channel.topic);
  s.port.deliver(data);
}

function onEvent(
  s: Session,
  link: Link,
  _channel: Channel,
  { ids }: Place,
  frame: Frame,
  data: Data,
): void {
  if (ids.size === 0 || !Array.isArray(frame.payload.ids)) return admit(s, link, frame, data);
  const mapped = frame.payload.ids.map((id) => ids.get(id) ?? id);
  const known = { ...frame, payload: { ...frame.payload, ids: mapped } };
  admit(s, link, known, encode(s.vsn, known));
}
