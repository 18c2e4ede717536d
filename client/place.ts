import { type Channel, configOf } from "./channel.ts";
import { asJson, encode, type Json } from "./frame.ts";
import { IN_FLIGHT_MS, REPLAY_LIMIT } from "./gap.ts";
import { createPlace, type Link } from "./link.ts";
import type { Session } from "./session.ts";
import { isAtLeastAsFresh, userOf } from "./token.ts";

/**
 * Joins a topic on a link, with the refs that the application gave and the newest token. A topic that
 * the application has joined already waits for a proven link. `settled` when it is known who is
 * signed in.
 */
export function place(
  session: Session,
  link: Link,
  channel: Channel,
  settled = channel.acked,
): void {
  if (channel.acked && !link.proven) return;
  const { join, topic } = channel;
  const token = tokenFor(session, link, join.payload.access_token, settled);
  if (token === undefined) return;
  const before = link.places.get(topic);
  const there = createPlace();
  // Realtime closes what a second join replaces.
  if (before) there.closes = before.closes + (before.joined ? 1 : 0);
  link.places.set(topic, there);
  const { access_token: _stale, ...rest } = join.payload;
  const payload = { ...rest, ...config(session, channel), ...(token && { access_token: token }) };
  session.port.send(link, encode(session.vsn, { ...join, payload }));
}

/** The token for a join; undefined while it is in doubt who is signed in. */
function tokenFor(session: Session, link: Link, own: unknown, settled: boolean) {
  const user = userOf(own);
  if (!settled && link.user !== null && own && user !== link.user) {
    link.muted = true;
    return void session.port.doubt(link);
  }
  if (!settled && user !== null && isAtLeastAsFresh(own, link.token)) {
    link.user = user;
    link.token = own as string;
  }
  if (link.token) return link.token;
  return user === null && typeof own === "string" ? own : null;
}

/** A join that comes again asks for what it missed, not for what it was first given. */
function config(session: Session, channel: Channel): Json {
  const { gap, lastBroadcast } = channel.memory;
  if (!gap && !channel.acked) return {};
  const config = configOf(channel);
  const { replay: _first, ...broadcast } = asJson(config.broadcast);
  if (gap && session.isReplayed(channel)) {
    const since = lastBroadcast === undefined ? gap.from : lastBroadcast - IN_FLIGHT_MS;
    broadcast.replay = { since, limit: REPLAY_LIMIT };
  }
  return { config: { ...config, broadcast } };
}
