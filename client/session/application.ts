import { type Frame, reply } from "../frame.ts";
import { userOf } from "../token.ts";
import { createChannel, isAnswered } from "./channel.ts";
import { expect } from "./link.ts";
import { freshen, left } from "./links.ts";
import { doubt, forget, ownToken, place, send } from "./places.ts";
import type { State } from "./state.ts";

/** An answer takes a second at worst; realtime-js itself gives up after 25 s. */
const BEAT_MS = 10_000;

/**
 * Takes what the application sends. `isOpen`: the active link's socket takes it. A push that finds
 * the queue full, and that Realtime would not answer, is thrown; others are answered with the error.
 */
export function fromApplication(state: State, frame: Frame, isOpen: boolean): void {
  if (frame.topic === "phoenix") return heartbeat(state, frame, isOpen);
  if (frame.event === "phx_join") return join(state, frame);
  if (frame.event === "phx_leave") return leave(state, frame, isOpen);
  if (frame.event === "access_token") return accessToken(state, frame);
  push(state, frame, isOpen);
}

/** Unanswered it kills every channel, and a skipped one keeps realtime-js from refreshing its token. */
function heartbeat(state: State, frame: Frame, isOpen: boolean): void {
  const { active } = state;
  // Not at once: realtime-js sets the timer of a heartbeat behind its push, and would take the next
  // heartbeat for unanswered when that fires.
  if (!isOpen || active?.provenAt === undefined) {
    return state.deliver(reply(frame, "ok"), true);
  }
  state.send(active, frame, { to: "beat", frame });
  state.await(active, frame.ref!, BEAT_MS);
}

function join(state: State, frame: Frame): void {
  const { topic, payload } = frame;
  const { active, channels, known, refusal } = state;
  if (refusal && !active) return state.fail(frame, refusal);
  const token = ownToken(state, payload.access_token);
  const user = userOf(token);
  // A token that is on its way may be that of whoever was here before.
  if (!active && user && state.inBand && user !== userOf(state.inBand)) state.do({ is: "doubt" });
  if (user !== null) state.inBand = String(token);
  const channel = createChannel(frame, state, known.get(topic));
  channels.set(topic, channel);
  known.set(topic, channel);
  state.dues.delete(topic);
  if (active) place(state, active, channel);
}

function leave(state: State, frame: Frame, isOpen: boolean): void {
  const { topic } = frame;
  const { active, next, channels, queue } = state;
  const channel = channels.get(topic);
  // Of a join that another has replaced: phoenix.js leaves what was not answered in time.
  const isOfAnother = channel && frame.join_ref && frame.join_ref !== channel.join.join_ref;
  if (isOfAnother) return state.deliver(reply(frame, "ok"), true);
  // What was not answered in time phoenix.js leaves as well, and joins again.
  if (channel) forget(state, channel, !!channel.told);
  else state.known.delete(topic);
  queue.take((waiting) => waiting.topic === topic);
  if (next && channel?.places.has(next)) state.send(next, frame);
  if (!isOpen || !active || !channel?.places.has(active)) {
    return left(state, frame);
  }
  expect(active, frame.ref!, { to: "leave", frame });
  state.send(active, frame);
}

/** Passes on a newer token of the same user; a key or another user is found out about first. */
function accessToken(state: State, { payload: { access_token } }: Frame): void {
  const { active, next, asksToken } = state;
  const user = userOf(access_token);
  const known = userOf(active?.token);
  // Whom the joins did not name token() may have named.
  const isChange = state.inBand === undefined || userOf(state.inBand) !== user;
  if (user === null && state.inBand) state.spent = state.inBand;
  // Whoever pushes a token signs in with it.
  else if (user !== null && state.spent && !asksToken) state.spent = undefined;
  state.inBand = user === null ? null : String(access_token);
  const isOther = known === null ? asksToken && user !== null : user !== known;
  // Where it is in doubt already, an answer that is on its way is old.
  if (active && (isOther || (isChange && active.muted))) return doubt(state, active);
  if (!active && isChange) state.do({ is: "doubt" });
  for (const link of [active, next]) {
    if (link) freshen(state, link, String(access_token));
  }
}

function push(state: State, frame: Frame, isOpen: boolean): void {
  const { active, next, queue } = state;
  const { topic, event, payload } = frame;
  const channel = state.channels.get(topic);
  const isPresence = event === "presence";
  if (channel && isPresence) {
    channel.track = payload.event === "track" ? frame : undefined;
  }
  if (channel && event === "broadcast") channel.ledger.broadcasts = true;
  const isMuted = !!active?.muted;
  if (active && isOpen && !isMuted && (!channel || channel.places.get(active)?.isJoined)) {
    send(state, active, frame);
    if (isPresence && next && channel?.places.get(next)?.isJoined) state.send(next, frame);
  } else if (channel && isPresence && !isMuted) {
    // The last track is repeated when the topic is joined; another one nobody sees any more.
    state.deliver(reply(frame, "ok"));
  } else if (!channel || !queue.add(frame)) {
    const reason = channel
      ? "queue_full: Send less while reconnecting."
      : "not_joined: Join first.";
    if (isAnswered(channel, frame)) state.fail(frame, reason);
    else state.do({ do: "throw", reason });
  }
}
