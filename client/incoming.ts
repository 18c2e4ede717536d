import { admit } from "./delivery.ts";
import { asArray, asJson, type Frame, type Json, withPayload } from "./frame.ts";
import { lost, recover } from "./gap.ts";
import type { Link, Place } from "./link.ts";
import { drop, placeAll, restore, TOKEN_TROUBLE } from "./place.ts";
import type { Session } from "./session.ts";

/** Takes what a link brings. */
export function fromLink(session: Session, link: Link, frame: Frame): void {
  const { topic, event, payload, ref } = frame;
  const { port } = session;
  link.lastFrameAt = port.clock.now();
  // The relay itself answers joins, also of those that it refuses, and speaks about the socket.
  if (!link.provenAt && event !== "system" && !isError(frame)) session.prove(link);
  if (event === "phx_reply") return answered(link, ref ?? "", frame);
  const isActive = link === session.active;
  if (!isActive && link !== session.next) return;
  const isRelay = event === "system" && payload.extension === "relay";
  if (topic === "phoenix" && isRelay) return port.notice(link, payload);
  const there = link.places.get(topic);
  if (!there) return void (isActive && port.deliver(frame));
  if (isRelay && payload.status === "gap") return lost(session, there);
  if (event === "system") return onSystem(session, there, frame);
  if (event === "phx_close" || event === "phx_error") return onClose(session, there, frame);
  const { ids } = there;
  if (ids.size === 0 || !Array.isArray(payload.ids)) return admit(session, link, frame);
  const known = payload.ids.map((id) => ids.get(id) ?? id);
  admit(session, link, withPayload(frame, { ...payload, ids: known }));
}

const isError = ({ event, payload }: Frame) => event === "phx_reply" && payload.status === "error";

/** An answer that nobody waits for is one that the application has had. */
function answered({ pending }: Link, ref: string, frame: Frame): void {
  const then = pending.get(ref);
  pending.delete(ref);
  then?.(frame);
}

export function joinAnswered(session: Session, there: Place, answer: Frame): void {
  const { link, channel } = there;
  const isCurrent = link.places.get(channel.topic) === there;
  if (!isCurrent || (link !== session.active && link !== session.next)) return;
  const response = asJson(answer.payload.response);
  if (isError(answer)) return refused(session, there, answer, String(response.reason ?? "error"));
  const bindings = asArray<Json>(response.postgres_changes);
  there.joined = true;
  channel.failures = 0;
  if (!channel.acked) {
    channel.acked = true;
    channel.bindings = bindings;
    channel.joinedAt ??= session.port.clock.now();
    session.port.deliver(answer);
    if (session.next) placeAll(session, session.next);
  }
  bindings.forEach(({ id }, i) => {
    const known = channel.bindings[i]?.id ?? id;
    if (known !== id) there.ids.set(id, known);
  });
  session.flush(there);
  if (bindings.length === 0 || there.ready) ready(session, there);
}

/** All that a topic waited for on this link has come. */
function ready(session: Session, there: Place): void {
  there.ready = true;
  if (!there.joined) return;
  if (there.link === session.active) recover(session, there);
  else session.considerSwitch();
}

function refused(session: Session, there: Place, answer: Frame, reason: string): void {
  const { link, channel } = there;
  if (channel.acked) return restore(session, there, reason);
  // A worker that is ending refuses for a moment: the next one is asked before anybody is told.
  if (!link.provenAt && /^(draining|restart):/.test(reason)) return;
  if (link === session.active) drop(session, there, answer);
}

function onSystem(session: Session, there: Place, frame: Frame): void {
  const { link, channel: { reported } } = there;
  const { extension, status, message } = frame.payload;
  const isChanges = extension === "postgres_changes";
  const isKnown = reported.has(extension);
  if (status === "error") {
    const isOver = TOKEN_TROUBLE.test(String(message)) || (isChanges && isKnown && !there.ready);
    if (isOver) return restore(session, there, String(message));
    reported.delete(extension);
    admit(session, link, frame);
  } else {
    reported.add(extension);
    if (!isKnown) admit(session, link, frame);
    if (isChanges && !there.ready) ready(session, there);
  }
}

function onClose(session: Session, there: Place, frame: Frame): void {
  const { link, channel } = there;
  const { join, topic } = channel;
  const { event, ref } = frame;
  if (event === "phx_close" && there.closes > 0) return void there.closes--;
  if (ref && ref !== join.join_ref && ref !== join.ref) return;
  if (link !== session.active) return void link.places.delete(topic);
  drop(session, there, frame);
  if (event === "phx_close") session.known.delete(topic);
}
