import { asJson, type Frame, type Json, withPayload } from "../frame.ts";
import { historyOf, planOf } from "../gap/plan.ts";
import { PARTS, type Track } from "../gap/track.ts";
import { isAtLeastAsFresh, userOf } from "../token.ts";
import {
  type Channel,
  type ChannelDeed,
  type ChannelEvent,
  configOf,
  dueAt,
  hasBroadcast,
  isAnswered,
  topicOf,
} from "./channel.ts";
import { deliverReplay, release, REPLAY_LIMIT } from "./delivery.ts";
import type { Link } from "./link.ts";
import type { State } from "./state.ts";
import { step } from "./step/step.ts";

/** The last answer of a socket takes a second at worst; one that is silent for longer is dead. */
const LAST_ANSWER_MS = 3_000;

/** Tells a channel what happened, and does what follows for the session. */
export function tell(state: State, channel: Channel, event: ChannelEvent): void {
  for (const deed of step(channel, event, state)) perform(state, channel, deed);
  const isOver = state.channels.get(channel.topic) !== channel;
  if (!isOver) state.wait(channel.topic, dueAt(channel));
}

/** Forgets a join, what waited to be delivered to it, and what is read for it. */
export function forget(state: State, { topic }: Channel, isLeft: boolean): void {
  const others = (frames: Frame[]) => frames.filter((frame) => frame.topic !== topic);
  state.channels.delete(topic);
  state.kept = others(state.kept);
  for (const link of [state.active, state.next]) if (link) link.held = others(link.held);
  if (isLeft) state.known.delete(topic);
  state.dues.delete(topic);
  for (const part of PARTS) state.do({ do: "stop", topic, part });
}

function perform(state: State, channel: Channel, deed: ChannelDeed): void {
  const { topic } = channel;
  const { active, next } = state;
  switch (deed.do) {
    case "deliver":
      return state.deliver(deed.frame);
    case "join":
      return sendJoin(state, channel, deed);
    case "rejoin":
      // It was known who is signed in when it was joined here first: who that is now mutes the link.
      return place(state, deed.link, channel, true);
    case "told":
      return next && placeAll(state, next);
    case "distrust":
      return state.do({ is: "closed", link: deed.link, code: 4401, reason: EXPIRED });
    case "forget":
      return forget(state, channel, deed.isLeft);
    case "flush":
      return flush(state, channel, deed);
    case "read":
      return read(state, channel, deed);
    case "stop":
      return state.do({ ...deed, topic });
    case "flow":
      if (active) release(state, active);
      askTime(state, channel);
      return considerSwitch(state);
    case "replayed":
      return void deliverReplay(state, deed.link, channel);
  }
}

/** From the server's time on messages can be read, unless that is known already. */
export function askTime(state: State, channel: Channel): void {
  const catchUp = historyOf(state.catchUps, topicOf(channel));
  if (!catchUp || channel.ledger.history.start) return;
  state.do({ do: "ask time", topic: channel.topic, catchUp });
}

/** The relay's own words for an old token. */
export const EXPIRED = "token_expired: Refresh the session, then connect with the new token.";

/** Joins on a link whatever is not joined there yet. */
export function placeAll(state: State, link: Link, settled?: boolean): void {
  for (const channel of state.channels.values()) {
    if (!channel.places.has(link)) place(state, link, channel, settled);
  }
}

/**
 * Joins a topic on a link, with the refs that the application gave and the newest token. What the
 * application has joined already waits for a proven link, and what it has not is joined on the active
 * one only. `settled` when it is known who is signed in.
 */
export function place(state: State, link: Link, channel: Channel, settled = !!channel.told): void {
  const isAllowed = channel.told ? link.provenAt !== undefined : link === state.active;
  if (!isAllowed || link.muted || !mayJoin(state, link, channel, settled)) {
    return;
  }
  tell(state, channel, { is: "join", link });
}

/** False while it is in doubt who is signed in. */
function mayJoin(state: State, link: Link, { join }: Channel, settled: boolean): boolean {
  if (settled) return true;
  const own = ownToken(state, join.payload.access_token);
  const [user, known] = [userOf(own), userOf(link.token)];
  const isDoubtful = known === null ? user !== null && state.asksToken : own && user !== known;
  if (isDoubtful) doubt(state, link);
  else if (isAtLeastAsFresh(own, link.token)) link.token = own as string;
  return !isDoubtful;
}

/** Nothing passes until it is known who is signed in. */
export function doubt(state: State, link: Link): void {
  for (const each of [link, state.active, state.next]) if (each) each.muted = true;
  for (const channel of state.channels.values()) tell(state, channel, { is: "doubted" });
  state.do({ is: "doubt" });
}

/** A token that a frame brings; that of somebody who has signed out does not count. */
export const ownToken = ({ spent }: State, token: unknown): unknown =>
  spent && userOf(token) === userOf(spent) && isAtLeastAsFresh(spent, token) ? undefined : token;

/** A join that comes again asks for what it missed, not for what it was first given. */
function sendJoin(
  state: State,
  channel: Channel,
  { link, again, replaySince }: ChannelDeed & { do: "join" },
): void {
  const { join } = channel;
  const { access_token: own, ...payload } = join.payload;
  // A key that the application gave goes along where there is no token.
  const key = typeof own === "string" && userOf(own) === null ? own : undefined;
  const token = link.token ?? key;
  const { replay: _first, ...broadcast } = asJson(configOf(channel).broadcast);
  if (replaySince !== undefined) {
    const since = Math.round(replaySince + (state.skew.of() ?? 0));
    broadcast.replay = { since, limit: REPLAY_LIMIT };
  }
  const config: Json = again ? { config: { ...configOf(channel), broadcast } } : {};
  const whole = { ...payload, ...config, ...(token && { access_token: token }) };
  state.send(link, withPayload(join, whole));
}

/** Sends what waited for the topic, then the last track: what waited may be older. */
export function flush(
  state: State,
  { topic, track }: Channel,
  { link, isNew }: Pick<ChannelDeed & { do: "flush" }, "link" | "isNew">,
): void {
  const isActive = link === state.active;
  const waiting = isActive ? state.queue.take((frame) => frame.topic === topic) : [];
  for (const frame of waiting) send(state, link, frame);
  if (track && isNew && !waiting.includes(track)) state.send(link, track);
}

/** Sends a push, whose answer may be lost with the link. */
export function send(state: State, link: Link, frame: Frame): void {
  const channel = state.channels.get(frame.topic);
  state.send(link, frame, isAnswered(channel, frame) ? { to: "push", frame } : undefined);
  // The next socket is another listener: it gets what this one sends.
  const isHeard = frame.event === "broadcast" && !hasBroadcast(channel, "self");
  if (isHeard) state.next?.overlap?.count(frame);
}

function read(state: State, channel: Channel, { part, read }: ChannelDeed & { do: "read" }): void {
  const { topic } = channel;
  const { from } = channel.parts[part] as Track & { at: "reading" };
  const age = state.now - from;
  const plan = planOf(part, state.catchUps, topicOf(channel), from, age);
  // All of a replay comes before the answer to a heartbeat.
  if (plan.isReplay) {
    return state.beat(state.active!, { to: "replay", topic, read });
  }
  state.do({ ...{ do: "read", topic, part, read }, ...plan });
}

/** Realtime's socket takes nothing else while it looks at a join, and what it had to say waits. */
export const isJoining = ({ channels }: State, link: Link): boolean =>
  [...channels.values()].some(({ places }) => places.get(link)?.stage.at === "joining");

export const isReady = ({ channels }: State, link: Link): boolean =>
  [...channels.values()].every(({ told, places, parts }) => {
    // What waits on the old link for a read comes first.
    if (PARTS.some((part) => parts[part].at === "reading")) return false;
    const { at, until } = places.get(link)?.stage as { at?: string; until?: number } ?? {};
    return !told || at === "ready" || until === Infinity;
  });

/** What the old socket had in flight comes before its answer to a heartbeat. */
export function considerSwitch(state: State): void {
  const { active, next } = state;
  const isAsked = active &&
    [...active.pending.values()].some(({ to }) => to === "switch");
  if (!active || !next || isAsked || !isReady(state, next)) return;
  state.beat(active, { to: "switch" }, LAST_ANSWER_MS);
}

/** A frame of the transport's own about a topic. */
export const about = (channel: Channel, event: string, payload: Json): Omit<Frame, "ref"> => ({
  ...{ join_ref: channel.join.join_ref, topic: channel.topic, event, payload },
});
