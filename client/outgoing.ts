import { createChannel, createMemory, isAnswered, isSilentToSelf } from "./channel.ts";
import { contentOf } from "./events.ts";
import { type Data, decode, encode, type Frame, reply } from "./frame.ts";
import { openGap } from "./gap.ts";
import { expect } from "./link.ts";
import { place } from "./place.ts";
import type { Session } from "./session.ts";
import { isAtLeastAsFresh, userOf } from "./token.ts";

/**
 * Takes what the application sends. Throws a QuotaExceededError for a push that finds the queue full
 * and that Realtime would not answer; others are answered with the error.
 */
export function fromApplication(session: Session, data: Data): void {
  const frame = decode(session.vsn, data);
  if (!frame) return void (session.active && session.port.send(session.active, data));
  if (frame.topic === "phoenix") return heartbeat(session, frame, data);
  switch (frame.event) {
    case "phx_join":
      return join(session, frame);
    case "phx_leave":
      return leave(session, frame, data);
    case "access_token":
      return accessToken(session, frame);
    default:
      return push(session, frame, data);
  }
}

/** Unanswered it kills every channel, and a skipped one keeps realtime-js from refreshing its token. */
function heartbeat(session: Session, frame: Frame, data: Data): void {
  const { active, port } = session;
  if (!active?.proven) return session.tell(reply(frame, "ok"));
  expect(active, frame);
  port.send(active, data);
  port.beat(active);
}

function join(session: Session, frame: Frame): void {
  const { topic, payload } = frame;
  if (session.refusal !== undefined && !session.active) {
    return session.tell(reply(frame, "error", { reason: session.refusal }));
  }
  if (userOf(payload.access_token) !== null) session.inBand = String(payload.access_token);
  const memory = session.memories.get(topic) ?? createMemory(session.keepMs);
  session.memories.set(topic, memory);
  const channel = createChannel(frame, memory);
  session.channels.set(topic, channel);
  // Joined before, then failed: what came in between is missing like after a lost socket.
  if (memory.joinedAt !== undefined) openGap(session, channel);
  for (const link of [session.active, session.next]) if (link) place(session, link, channel);
}

function leave(session: Session, frame: Frame, data: Data): void {
  const { topic, join_ref } = frame;
  const { active, next, port } = session;
  session.channels.delete(topic);
  session.memories.delete(topic);
  session.queue.take(topic);
  if (next?.places.delete(topic)) port.send(next, data);
  if (active?.places.delete(topic)) {
    expect(active, frame);
    return void port.send(active, data);
  }
  session.tell(reply(frame, "ok"));
  session.tell({ topic, event: "phx_close", ref: join_ref, payload: {} });
}

/** Passes on a newer token of the same user; a key or another user is found out about first. */
function accessToken(session: Session, frame: Frame): void {
  const { active, next, port } = session;
  const token = frame.payload.access_token;
  const user = userOf(token);
  session.inBand = user === null ? null : String(token);
  if (!active) return;
  if (active.user !== null && user !== active.user) {
    active.muted = true;
    return port.doubt(active);
  }
  if (user === null || !isAtLeastAsFresh(token, active.token)) return;
  for (const link of [active, next]) {
    if (!link) continue;
    link.user = user;
    link.token = String(token);
    if (link.places.get(frame.topic)?.joined) port.send(link, encode(session.vsn, frame));
  }
}

function push(session: Session, frame: Frame, data: Data): void {
  const { active, port, overlap, next } = session;
  const channel = session.channels.get(frame.topic);
  const isPresence = frame.event === "presence";
  if (channel && isPresence) {
    const isTrack = frame.payload.event === "track";
    channel.track = isTrack ? { frame, answered: false } : undefined;
  }
  if (frame.event === "broadcast" && channel) channel.memory.broadcasts = true;
  const isJoined = active && (active.places.get(frame.topic)?.joined || !channel);
  if (isJoined && port.send(active, data)) {
    // The next socket is another listener: it gets what this one sends.
    const isEchoed = overlap && next && frame.event === "broadcast";
    if (isEchoed && channel && isSilentToSelf(channel)) overlap.delivered(contentOf(frame));
    if (isAnswered(channel, frame)) expect(active, frame);
    return;
  }
  if (channel?.track?.frame === frame) return; // Repeated when the topic is joined.
  if (channel && isPresence) return session.tell(reply(frame, "ok")); // Nobody sees it any more.
  if (channel && session.queue.add(frame, data)) return;
  const reason = channel ? "queue_full: Send less while reconnecting." : "not_joined: Join first.";
  if (frame.ref && isAnswered(channel, frame)) {
    return session.tell(reply(frame, "error", { reason }));
  }
  throw new DOMException(reason, "QuotaExceededError");
}
