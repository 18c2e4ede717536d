import { type Channel, createChannel, hasBroadcast } from "./channel.ts";
import { type Frame, reply } from "./frame.ts";
import { openGap } from "./gap.ts";
import { repeats } from "./handover.ts";
import { expect, type Link } from "./link.ts";
import { place } from "./place.ts";
import type { Session } from "./session.ts";
import { userOf } from "./token.ts";

/** An answer takes a second at worst; realtime-js itself gives up after 25 s. */
const BEAT_MS = 10_000;

/**
 * Takes what the application sends. Throws a QuotaExceededError for a push that finds the queue full
 * and that Realtime would not answer; others are answered with the error.
 */
export function fromApplication(session: Session, frame: Frame): void {
  if (frame.topic === "phoenix") return heartbeat(session, frame);
  if (frame.event === "phx_join") return join(session, frame);
  if (frame.event === "phx_leave") return leave(session, frame);
  if (frame.event === "access_token") return accessToken(session, frame);
  push(session, frame);
}

/** Unanswered it kills every channel, and a skipped one keeps realtime-js from refreshing its token. */
function heartbeat(session: Session, frame: Frame): void {
  const { active, port } = session;
  const ok = reply(frame, "ok");
  // Not at once: realtime-js sets the timer of a heartbeat behind its push, and would take the next
  // heartbeat for unanswered when that fires.
  if (!active?.provenAt) return queueMicrotask(() => port.deliver(ok));
  expect(active, frame.ref!, (answer = ok) => port.deliver(answer));
  port.send(active, frame);
  session.due(active, BEAT_MS, () => !active.pending.has(frame.ref!));
}

function join(session: Session, frame: Frame): void {
  const { topic, payload } = frame;
  const { active, channels, known, refusal } = session;
  if (refusal && !active) return session.fail(frame, refusal);
  if (userOf(payload.access_token) !== null) session.inBand = String(payload.access_token);
  const channel = createChannel(frame, known.get(topic));
  channels.set(topic, channel);
  known.set(topic, channel);
  // Joined before, then failed: what came in between is missing like after a lost socket.
  if (channel.joinedAt) openGap(session, channel);
  if (active) place(session, active, channel);
}

function leave(session: Session, frame: Frame): void {
  const { topic, join_ref: ref } = frame;
  const { active, next, port } = session;
  session.channels.delete(topic);
  session.known.delete(topic);
  session.queue.take((waiting) => waiting.topic === topic);
  const over = (answer?: Frame) => {
    port.deliver(answer ?? reply(frame, "ok"));
    if (!answer) port.deliver({ topic, event: "phx_close", ref, payload: {} });
  };
  if (next?.places.delete(topic)) port.send(next, frame);
  if (!active?.places.delete(topic)) return over();
  expect(active, frame.ref!, over);
  port.send(active, frame);
}

/** Passes on a newer token of the same user; a key or another user is found out about first. */
function accessToken(session: Session, { payload: { access_token } }: Frame): void {
  const { active, next } = session;
  const token = String(access_token);
  const user = userOf(token);
  session.inBand = user && token;
  const known = userOf(active?.token);
  if (known !== null && user !== known) return session.doubt(active!);
  for (const link of [active, next]) if (link) session.freshen(link, token);
}

function push(session: Session, frame: Frame): void {
  const { active, port, next, queue } = session;
  const { topic, event, payload } = frame;
  const channel = session.channels.get(topic);
  const isPresence = event === "presence";
  if (channel && isPresence) channel.track = payload.event === "track" ? frame : undefined;
  if (channel && event === "broadcast") channel.broadcasts = true;
  const isJoined = active && (active.places.get(topic)?.joined || !channel);
  if (isJoined && send(session, active, frame, channel)) {
    // The next socket is another listener: it gets what this one sends.
    if (next && event === "broadcast" && !hasBroadcast(channel, "self")) repeats(session, frame);
  } else if (channel && isPresence) {
    // The last track is repeated when the topic is joined; another one nobody sees any more.
    port.deliver(reply(frame, "ok"));
  } else if (!channel || !queue.add(frame)) {
    const reason = channel
      ? "queue_full: Send less while reconnecting."
      : "not_joined: Join first.";
    if (!isAnswered(channel, frame)) throw new DOMException(reason, "QuotaExceededError");
    session.fail(frame, reason);
  }
}

/** True where Realtime answers this push. */
const isAnswered = (channel: Channel | undefined, { event, ref }: Frame): boolean =>
  !!ref && (event !== "broadcast" || hasBroadcast(channel, "ack"));

/** Sends a push, whose answer may be lost with the link. A track is repeated on the next one. */
export function send(session: Session, link: Link, frame: Frame, channel?: Channel): boolean {
  const { port } = session;
  const isSent = port.send(link, frame);
  if (isSent && isAnswered(channel, frame)) {
    expect(link, frame.ref!, (answer) => {
      if (answer) port.deliver(answer);
      else if (channel?.track === frame) port.deliver(reply(frame, "ok"));
      else session.fail(frame, "connection_lost: It is not known whether the push arrived.");
    });
  }
  return isSent;
}
