import { type Frame, reply } from "../frame.ts";
import { isAtLeastAsFresh, userOf } from "../token.ts";
import { IN_FLIGHT_MS } from "./channel.ts";
import { drop, isKept, release } from "./delivery.ts";
import type { Link, Pending } from "./link.ts";
import { Overlap } from "../gap/overlap.ts";
import { Skew } from "../gap/time.ts";
import { PARTS } from "../gap/track.ts";
import { about, considerSwitch, doubt, flush, forget, ownToken, placeAll, tell } from "./places.ts";
import type { State } from "./state.ts";

/** The next socket's topics are to be subscribed by then. */
const READY_MS = 10_000;

/** An open socket answers within a second. */
const ALIVE_MS = 5_000;

/**
 * After the switch the new socket may be behind the old one by this much: two nodes of a cluster, or
 * a poll of Postgres Changes. Later the same content is a new event.
 */
export const SETTLE_MS = 2_000;

/** Makes an open socket the active one. Only new joins go out before the link is proven. */
export function adopt(state: State, link: Link): void {
  state.active = link;
  inherit(state, link);
  recognise(state, link);
  placeAll(state, link);
}

/** What came on the last link and waited there waits on this one, once, before what comes. */
function inherit(state: State, link: Link): void {
  const both = new Overlap();
  for (const frame of state.kept) both.count(frame);
  const rest = link.held.filter((frame) => !both.repeats(frame));
  link.held = [...state.kept.splice(0), ...rest];
}

/**
 * By the application's own word somebody else is signed in than the one whose link this is, or has a
 * newer token than when it was dialled.
 */
function recognise(state: State, link: Link): void {
  const { inBand } = state;
  const known = userOf(link.token);
  if (inBand === undefined || known === null) return;
  if (userOf(inBand) !== known) doubt(state, link);
  else if (link.provenAt !== undefined) freshen(state, link, ownToken(state, inBand));
}

/** The link carries. Beside an active one it is subscribed to take over. */
export function prove(state: State, link: Link): void {
  link.provenAt = state.now;
  state.refusal = undefined;
  recognise(state, link);
  if (!state.active || state.active === link) state.active = link;
  else {
    state.next = link;
    link.overlap = new Overlap();
    waitForReady(state);
  }
  state.do({ is: "proven", link });
  placeAll(state, link);
  considerSwitch(state);
}

function waitForReady(state: State): void {
  state.wait("#ready", state.now + READY_MS);
}

/**
 * The next link was to be ready by now. It is given more time where nobody is silent on it: each of
 * its channels is ready one day, or waits for no more.
 */
export function lookReady(state: State): void {
  const { next, channels } = state;
  if (!next) return;
  const isAnswered = [...channels.values()].every(({ told, places }) => {
    const at = places.get(next)?.stage.at;
    return !told || (at && at !== "joining");
  });
  if (isAnswered) return waitForReady(state);
  state.do({
    is: "closed",
    link: next,
    code: 1006,
    reason: "The next socket's channels do not join.",
  });
}

/** Lets the next link take over; topics that are not ready there have a gap. */
export function take(state: State, next: Link): void {
  const { active } = state;
  const since = (active?.freshAt ?? state.now) - IN_FLIGHT_MS;
  if (active?.muted) forgetHeld(state, active.held, since);
  state.active = next;
  state.next = undefined;
  inherit(state, next);
  for (const channel of [...state.channels.values()]) {
    tell(state, channel, { is: "over", link: next, since });
  }
  placeAll(state, next);
  release(state, next);
  // It may have died beside the old one, and events wait for what is asked for on it now.
  state.beat(next, { to: "alive" }, ALIVE_MS);
  state.do({ is: "moved", link: next });
  state.wait("#settled", state.now + SETTLE_MS);
}

/**
 * The page stood still: what comes on its sockets may have waited for it, until they answer anew. Or
 * the clock was set forward: how far the server's is from it is to be told anew.
 */
export function thaw(state: State, since: number): void {
  const { skew } = state;
  state.skew = new Skew();
  for (const { ledger } of state.known.values()) {
    ledger.history.leap = [since, state.now];
    // What comes from now on tells of the tables that it is from, and nothing of the join.
    if (ledger.skew === skew && skew.of() === undefined) ledger.skew = new Skew();
  }
  for (const link of [state.active, state.next]) {
    if (link?.provenAt === undefined) continue;
    link.behind++;
    state.beat(link, { to: "fresh" });
  }
}

/** The socket ended. What it missed is read again once another is there. */
export function lose(state: State, link: Link): void {
  for (const channel of [...state.channels.values()]) {
    if (channel.places.has(link)) tell(state, channel, { is: "lost", link });
  }
  if (link === state.next) state.next = undefined;
  if (link === state.active) {
    state.active = undefined;
    const kept = link.held.filter((frame) => isKept(state, frame) && !link.overlap?.repeats(frame));
    if (!link.muted) state.kept = kept;
    else forgetHeld(state, kept, state.now);
  }
  state.dues.delete(`#${link.id}`);
  for (const pending of link.pending.values()) unanswered(state, pending);
  link.pending.clear();
}

/** Nobody knows for whom these events were: what waits is gone, and told. */
function forgetHeld(state: State, held: Frame[], from: number): void {
  for (const frame of held) drop(state, frame, from);
}

function unanswered(state: State, pending: Pending): void {
  if (!("frame" in pending)) return;
  const { to, frame } = pending;
  if (to === "leave") return left(state, frame);
  // A track is repeated on the next link.
  const isRepeated = state.channels.get(frame.topic)?.track === frame;
  if (to === "beat" || isRepeated) return state.deliver(reply(frame, "ok"));
  state.fail(frame, "connection_lost: It is not known whether the push arrived.");
}

/** The answer to a leave that no socket takes. */
export function left(state: State, frame: Frame): void {
  const { topic, join_ref: ref } = frame;
  const close = { topic, event: "phx_close", ref, payload: {} };
  // Not at once: realtime-js listens for the answer behind its push.
  state.deliver(reply(frame, "ok"), true);
  state.deliver(close, true);
}

/** Answers every join that nobody has answered yet, and those to come until a link is proven. */
export function refuse(state: State, reason: string): void {
  state.refusal = reason;
  for (const channel of [...state.channels.values()]) {
    if (channel.told) continue;
    forget(state, channel, false);
    state.fail(channel.join, reason);
  }
}

/** Nothing of one user reaches the next: neither what waits to be sent nor what waits to be read. */
export function changeUser(state: State, before: string | null): void {
  const { now, queue, known } = state;
  state.spent = before ?? undefined;
  state.kept = [];
  for (const frame of queue.take(() => true)) {
    state.fail(frame, "signed_out: Another user is signed in.");
  }
  for (const channel of known.values()) {
    const { ledger, parts } = channel;
    tell(state, channel, { is: "doubted" });
    channel.track = undefined;
    ledger.forgetTimes();
    ledger.history.start = undefined;
    ledger.joinedAt &&= now;
    ledger.skew = state.skew;
    for (const part of PARTS) {
      const track = parts[part];
      // What came in between is not read for whoever comes, and told.
      if (track.at !== "flowing") parts[part] = { at: "open", from: track.from, isCut: true };
    }
  }
}

/** It is who it was: what waited for that goes on. */
export function settle(state: State, link: Link): void {
  link.muted = false;
  placeAll(state, link, true);
  release(state, link);
  for (const channel of [...state.channels.values()]) {
    if (channel.places.get(link)?.isJoined) flush(state, channel, { link });
    tell(state, channel, { is: "settled" });
  }
  considerSwitch(state);
}

/** Tells every topic that is joined, or will be by an older token, of a newer one. */
export function freshen(state: State, link: Link, token: unknown): void {
  if (token === link.token || !isAtLeastAsFresh(token, link.token)) return;
  link.token = token as string;
  for (const channel of state.channels.values()) {
    if (!channel.places.has(link)) continue;
    state.push(link, about(channel, "access_token", { access_token: token }));
  }
}
