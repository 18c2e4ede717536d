import { backoff } from "../../backoff.ts";
import { asArray, asJson, type Frame, type Json } from "../../frame.ts";
import { OVERLAP_MS } from "../../gap/history.ts";
import { isReplayed } from "../../gap/plan.ts";
import { READ_MS } from "../../gap/track.ts";
import { type Channel, IN_FLIGHT_MS, type Place, topicOf } from "../channel.ts";
import type { Link } from "../link.ts";
import { type Change, close, miss, recover } from "../missing.ts";

/** Realtime refuses a join after 5 s at worst. */
const JOIN_MS = 15_000;

/** "Subscribed to PostgreSQL" comes within 2 s where the database is not in trouble. */
export const SUBSCRIBE_MS = 10_000;

/** A join that is new is answered by then in any case: realtime-js gives it up after 10 s. */
const NEW_SUBSCRIBE_MS = 5_000;

/** How often it is tried again before the application is told. */
const TRIES = 5;

/** A join that is new is answered with its last refusal by then: realtime-js gives it up after 10 s. */
const NEW_JOIN_MS = 9_500;

/** An answer that says "later" is told after so long; to a join that is new, before its 10 s are up. */
const LATER_MS = 60_000;
const NEW_LATER_MS = 8_000;

/** The tenant's join rate, its database's pool, a worker that is full or ending, Realtime away. */
const LATER =
  /RateLimitReached: Too many joins|^IncreaseConnectionPool|^(draining|restart|upstream_\w+|auth_unavailable|too_many_(handshakes|frames|checks|refusals|sockets)|internal):/;

/** What stays refused: the relay's other codes, and Realtime's policies. */
const FOR_GOOD = /^[a-z_]+: |^Unauthorized/;

/** What Realtime and the relay say about a token that no longer counts. */
export const TOKEN_TROUBLE = /^token_|^signed_out|InvalidJWT|[Tt]oken has expired/;

export function join(change: Change, link: Link): void {
  const { channel, at: { now, catchUps, active } } = change;
  const { places, told, parts, ledger: { joinedAt = 0 } } = channel;
  const before = places.get(link);
  const replaces = before?.isJoined ?? false;
  // Realtime ends what a second join replaces, at once and whatever comes of it.
  if (before && told && link === active) {
    miss(change, replaces ? now : channel.failingSince ?? now);
  }
  const { casts } = parts;
  const isMissing = casts.at !== "flowing";
  const replaySince = isMissing && isReplayed(catchUps, topicOf(channel))
    ? Math.max(casts.from - OVERLAP_MS, joinedAt - IN_FLIGHT_MS)
    : undefined;
  const patience = replaces ? READ_MS : JOIN_MS;
  const until = Math.min(now + patience, lastAnswerAt(channel, before));
  places.set(link, {
    // What the first brought last waits for this one, and for no longer than for any read.
    stage: { at: "joining", until },
    askedAt: now,
    refusal: before?.refusal,
    ...{ isJoined: false, replaces, replaySince, late: 0, ids: before?.ids ?? new Map() },
    closes: (before?.closes ?? 0) + (replaces ? 1 : 0),
  });
  change.deeds.push({
    ...{ do: "join", link, again: !!told || isMissing, replaySince },
  });
}

/** When a join that is new, and was refused for the moment, is answered with that. */
export const lastAnswerAt = ({ told, askedAt }: Channel, place?: Place): number =>
  !told && place?.refusal ? askedAt + NEW_JOIN_MS : Infinity;

export function answered(change: Change, link: Link, place: Place, frame: Frame): void {
  const { status, response } = frame.payload;
  // The answer to the first join came late, behind the second, which has ended it since.
  if (place.isJoined) {
    place.closes++;
    place.isJoined = false;
    if (link === change.at.active) miss(change, place.askedAt - IN_FLIGHT_MS);
  }
  if (status !== "error") return joined(change, link, place, frame);
  const { reason = "error" } = asJson(response);
  refused(change, link, place, String(reason), frame);
}

function joined(change: Change, link: Link, place: Place, frame: Frame): void {
  const { channel, at: { now, active } } = change;
  // It was given up, and what it has ended was told until then.
  if (place.stage.at === "waiting" && link === active) miss(change, channel.failingSince ?? now);
  const bindings = asArray<Json>(asJson(frame.payload.response).postgres_changes);
  const isReady = bindings.length === 0;
  const untilTold = Math.max(channel.askedAt + NEW_SUBSCRIBE_MS, now);
  place.isJoined = true;
  place.refusal = undefined;
  place.stage = isReady
    ? { at: "ready" }
    : channel.told
    ? { at: "subscribing", until: now + SUBSCRIBE_MS }
    : { at: "subscribing", until: untilTold, answer: frame };
  if (!channel.told) {
    if (isReady) answer(change, link, frame);
    return isReady ? ready(change, link, place) : undefined;
  }
  const known = channel.told.bindings;
  bindings.forEach(({ id }, i) => {
    if (known[i] && known[i].id !== id) place.ids.set(id, known[i].id);
  });
  change.deeds.push({ do: "flush", link, isNew: true });
  if (isReady) ready(change, link, place);
  else recover(change);
}

/** The application is told that it is joined: what comes from now on is its business. */
export function answer(change: Change, link: Link, frame: Frame): void {
  const { channel, at: { now } } = change;
  const bindings = asArray<Json>(asJson(frame.payload.response).postgres_changes);
  channel.told = { bindings };
  channel.ledger.joinedAt ??= now;
  change.deeds.push({ do: "deliver", frame }, { do: "told" });
  change.deeds.push({ do: "flush", link, isNew: true }, { do: "flow" });
}

/** All that the topic waited for on this link has come. */
export function ready(change: Change, link: Link, place: Place): void {
  const { channel, at } = change;
  place.stage = { at: "ready" };
  channel.failures = 0;
  channel.failingSince = undefined;
  if (link === at.active) recover(change);
  else change.deeds.push({ do: "flow" });
}

function refused(change: Change, link: Link, place: Place, reason: string, answer: Frame): void {
  const { channel, at: { now, active } } = change;
  const isLater = LATER.test(reason);
  if (!channel.told) {
    // A worker that is ending refuses for a moment: the next one is asked before anybody is told.
    if (link.provenAt === undefined && /^(draining|restart):/.test(reason)) {
      return;
    }
    // Where the next answer would take as long as this one, the application gives up before it.
    const isEarly = 2 * now - place.askedAt - channel.askedAt < NEW_LATER_MS;
    if (isLater && isEarly && link.provenAt !== undefined) {
      place.refusal = answer;
      return wait(change, link, place, reason);
    }
    if (link === active) end(change, link, answer);
    return;
  }
  if (TOKEN_TROUBLE.test(reason)) {
    return void change.deeds.push({ do: "distrust", link });
  }
  const since = channel.failingSince ?? now;
  const isOver = isLater ? now - since > LATER_MS : channel.failures >= TRIES;
  // While another socket carries it, even that may pass.
  const isCarried = link !== active && !!active;
  if (!isOver && (isLater || isCarried || !FOR_GOOD.test(reason))) {
    return wait(change, link, place, reason);
  }
  if (link !== active) return waitForOver(change, place, reason);
  const { topic, join: { join_ref: ref } } = channel;
  end(change, link, { topic, event: "phx_error", ref, payload: { reason } });
}

/** The active one may still bring events: it is tried once more, and told, when this one takes over. */
export function waitForOver({ deeds }: Change, place: Place, reason: string): void {
  place.stage = { at: "waiting", until: Infinity, reason };
  deeds.push({ do: "flow" });
}

export function wait(change: Change, link: Link, place: Place, reason: string): void {
  const { channel, at: { now, chance, active } } = change;
  const wait = backoff(++channel.failures, chance);
  // Who waits for the first answer is to have one before it gives up.
  const last = channel.told ? Infinity : Math.max(now, channel.askedAt + NEW_LATER_MS);
  const until = Math.min(now + wait, last);
  channel.failingSince ??= now;
  place.stage = { at: "waiting", until, reason };
  if (place.replaces && link === active) close(change, "casts", "events", reason);
  place.replaces = false;
}

/** The application is told; it may join again. */
export function end(change: Change, link: Link, word: Frame, isLeft = false): void {
  const { channel } = change;
  const { reason = "closed" } = { ...asJson(word.payload.response), ...word.payload };
  if (!isLeft) channel.refusal = String(reason);
  if (channel.told) miss(change, link.freshAt - IN_FLIGHT_MS);
  channel.places.clear();
  change.deeds.push({ do: "forget", isLeft }, { do: "deliver", frame: word });
}
