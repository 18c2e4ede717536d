import { backoff } from "./backoff.ts";
import { type Channel, configOf } from "./channel.ts";
import { asJson, type Frame, type Json, withPayload } from "./frame.ts";
import { IN_FLIGHT_MS, isReplayed, openGap, REPLAY_LIMIT } from "./gap.ts";
import { joinAnswered } from "./incoming.ts";
import { expect, type Link, type Place } from "./link.ts";
import type { Session } from "./session.ts";
import { EXPIRED, isAtLeastAsFresh, UNAUTHORIZED, userOf } from "./token.ts";

/** How often a topic is tried again before the application is told. */
const RESTORES = 5;

/** What Realtime and the relay say about a token that no longer counts. */
export const TOKEN_TROUBLE = /^token_|^signed_out|InvalidJWT|expired/;

/** Joins on a link whatever is not joined there yet. */
export function placeAll(session: Session, link: Link, settled?: boolean): void {
  if (link.muted) return;
  for (const channel of session.channels.values()) {
    if (!link.places.has(channel.topic)) place(session, link, channel, settled);
  }
}

/**
 * Joins a topic on a link, with the refs that the application gave and the newest token. What the
 * application has joined already waits for a proven link, and what it has not is joined on the active
 * one only. `settled` when it is known who is signed in.
 */
export function place(
  session: Session,
  link: Link,
  channel: Channel,
  settled = channel.acked,
): void {
  if (channel.acked ? !link.provenAt : link !== session.active) return;
  const { join, topic } = channel;
  const token = tokenFor(session, link, join.payload.access_token, settled);
  if (token === undefined) return;
  const before = link.places.get(topic);
  // Realtime closes what a second join replaces.
  const closes = before ? before.closes + (before.joined ? 1 : 0) : 0;
  const there: Place = { link, channel, closes, ids: new Map() };
  link.places.set(topic, there);
  expect(link, join.ref!, (answer) => answer && joinAnswered(session, there, answer));
  const { access_token: _stale, ...rest } = join.payload;
  const payload = { ...rest, ...configFor(session, there), ...(token && { access_token: token }) };
  session.port.send(link, withPayload(join, payload));
}

/** The token for a join; undefined while it is in doubt who is signed in. */
function tokenFor(session: Session, link: Link, own: unknown, settled: boolean) {
  const [user, known] = [userOf(own), userOf(link.token)];
  if (!settled && known !== null && own && user !== known) return void session.doubt(link);
  if (!settled && isAtLeastAsFresh(own, link.token)) link.token = own as string;
  return link.token ?? (user === null && typeof own === "string" ? own : null);
}

/** A join that comes again asks for what it missed, not for what it was first given. */
function configFor(session: Session, there: Place): Json {
  const { channel } = there;
  const { gap, last, acked } = channel;
  if (!gap && !acked) return {};
  const config = configOf(channel);
  const { replay: _first, ...broadcast } = asJson(config.broadcast);
  if (gap && isReplayed(session, channel)) {
    there.replays = true;
    const lastAt = last.get("broadcast");
    const since = lastAt ? lastAt - IN_FLIGHT_MS : gap;
    broadcast.replay = { since, limit: REPLAY_LIMIT };
  }
  return { config: { ...config, broadcast } };
}

/** True while the topic is carried by this join. */
export const isLive = ({ active }: Session, place: Place): boolean =>
  active === place.link && active.places.get(place.channel.topic) === place;

/** Joins a live topic again that was not let in, unless it never will be. */
export function restore(session: Session, there: Place, reason: string): void {
  const { link, channel } = there;
  const { port } = session;
  if (TOKEN_TROUBLE.test(reason)) return port.end(link, UNAUTHORIZED, EXPIRED);
  if (link !== session.active) return; // A handover is given up in time.
  const isFinal = /^[a-z_]+: |^Unauthorized/.test(reason);
  if (isFinal || ++channel.failures > RESTORES) {
    const { topic, join: { join_ref: ref } } = channel;
    return drop(session, there, { topic, event: "phx_error", ref, payload: { reason } });
  }
  const wait = backoff(channel.failures, port.clock.random());
  port.clock.later(`restore ${channel.topic}`, wait, () => {
    if (isLive(session, there)) place(session, link, channel);
  });
}

/** Forgets a join, with word of it to the application, which may join again. */
export function drop(session: Session, { link, channel }: Place, word: Frame): void {
  const { topic } = channel;
  if (channel.acked) openGap(session, channel, link.lastFrameAt);
  session.channels.delete(topic);
  link.places.delete(topic);
  session.port.deliver(word);
}
