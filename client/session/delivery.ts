import { asArray, asJson, type Frame, type Json, withPayload } from "../frame.ts";
import { identify, type Identity, idOf, mirrorOf, rowKey } from "../gap/identity.ts";
import { OVERLAP_MS } from "../gap/history.ts";
import { historyOf } from "../gap/plan.ts";
import { cut, type Missing, open, type Part } from "../gap/track.ts";
import { inOrder, rowChangeOf } from "../row_change.ts";
import { type Channel, IN_FLIGHT_MS, topicOf } from "./channel.ts";
import type { Link } from "./link.ts";
import type { State } from "./state.ts";

/** More than this do not wait: the oldest is dropped, and its topic told so with its gap. */
const MAX_HELD = 10_000;

/** As many as Realtime replays. */
export const REPLAY_LIMIT = 25;

const PART_OF: Record<string, Part> = { postgres_changes: "rows", broadcast: "casts" };

export const isReplay = ({ payload }: Frame): boolean => asJson(payload.meta).replayed === true;

/** True for what counts on another link as well. A replay may end before older broadcasts. */
export const isKept = ({ catchUps }: State, { event, topic, payload }: Frame): boolean =>
  event === "postgres_changes" ||
  (event === "broadcast" && payload.event === mirrorOf(catchUps, topic)?.[1].event);

/** Takes an event of a link: delivers it, holds it, or drops what the application has had. */
export function admit(state: State, link: Link, frame: Frame): void {
  const channel = state.channels.get(frame.topic);
  // It waited on the last link, for a channel that the application has not joined again.
  if (!channel) return;
  const part = PART_OF[frame.event];
  // Before its answer the application knows none of the topic's subscriptions.
  const waits = !channel.told || (part && channel.parts[part].at !== "flowing");
  if (link === state.next || link.muted || waits) {
    link.held.push(frame);
    while (link.held.length > MAX_HELD) dropOldest(state, link);
  } else if (link === state.active) {
    if (part) deliver(state, channel, frame);
    else state.deliver(frame);
  }
}

function dropOldest(state: State, link: Link): void {
  const oldest = link.held.shift()!;
  // What the next socket holds the active one delivers.
  if (link !== state.next) drop(state, oldest, state.now);
}

/** An event that is not to be delivered: its topic is told so with its gap. */
export function drop({ channels }: State, { topic, event }: Frame, from: number): void {
  const parts = channels.get(topic)?.parts;
  const part = PART_OF[event];
  if (parts && part) parts[part] = cut(parts[part], from);
}

/** Delivers what was held and waits for nothing any more. */
export function release(state: State, link: Link): void {
  const { held } = link;
  link.held = [];
  for (const frame of held) admit(state, link, frame);
}

/** Delivers an event, unless the application has had it. `row` where it was read. */
export function deliver(state: State, channel: Channel, frame: Frame, row?: Json): void {
  const { catchUps, figures, now } = state;
  const { ledger } = channel;
  if (!row && repeats(state, frame)) return;
  const identity = identify(catchUps, frame, row);
  const { keys, catchUp, gone, change } = identity;
  noteTimes(state, channel, identity, frame, !!row);
  // A change that is older than what was read of its row is in that, unless that is another row.
  const isUpdate = asJson(frame.payload.data).type === "UPDATE";
  const over = (isSame: boolean) => isUpdate && isSame || missed(state, channel, frame);
  const fresh = ledger.fresh(identity, !!row, over);
  if (keys.length > 0 && fresh.length === 0) return;
  const isLate = !isInOrder(state, channel, frame, row);
  if (gone !== undefined) {
    const keys = (channel.told?.bindings ?? []).map(({ id }) => rowKey(catchUp!, gone, id));
    for (const each of [catchUp!, catchUp!.updates]) {
      if (each) ledger.forget(keys, each, identity.committedAt ?? now);
    }
  }
  // Of messages that are read or replayed none is forgotten before its turn.
  const messageMs = row || isReplay(frame) ? Infinity : ledger.history.keepMs(now);
  ledger.note(fresh, identity, now, Math.max(state.keepMs, catchUp ? 0 : messageMs));
  let wanted = fresh;
  if (change) {
    noteTimes(state, channel, change, frame, !!row);
    // What was read as an UPDATE has that state, or a newer one.
    const states = ledger.fresh(change, !!row, () => missed(state, channel, frame));
    ledger.note(states, change, now, state.keepMs);
    wanted = fresh.filter((key) => states.includes(key));
    if (wanted.length === 0) return;
  }
  if (isLate) return missed(state, channel, frame);
  figures.lastEventAt = now;
  if (row || isReplay(frame)) figures.caughtUp++;
  if (wanted.length === keys.length) return state.deliver(frame);
  const ids = asArray(frame.payload.ids).filter((_, i) => wanted.includes(keys[i]));
  state.deliver(withPayload(frame, { ...frame.payload, ids }));
}

/** An event that can be delivered no more, since newer ones were: it is told with a gap. */
function missed(state: State, { topic, parts }: Channel, frame: Frame): void {
  // The end of what is read tells it.
  if (parts[PART_OF[frame.event]].at !== "reading") state.wait(`#lost ${topic}`, state.now);
  const since = state.now - (isKept(state, frame) ? state.keepMs : IN_FLIGHT_MS);
  drop(state, frame, since);
}

/**
 * False for a message that is not to be delivered now: it may be from before the join, or its row
 * has newer ones. Where it came live, a gap may be read from it on.
 */
function isInOrder(state: State, channel: Channel, frame: Frame, row?: Json): boolean {
  const { history } = channel.ledger;
  const id = idOf(frame);
  // What peers send has no id, and may say any `seq`.
  if (!id) return true;
  if (row && history.isBefore(row)) return false;
  if (!row && !isReplay(frame)) history.mark(id, state.now);
  const change = changeOf(state, channel, frame);
  return !change || history.advance(change);
}

function changeOf({ catchUps }: State, channel: Channel, { payload }: Frame) {
  const { history } = historyOf(catchUps, topicOf(channel)) ?? {};
  return history && rowChangeOf(payload.payload, history.keys);
}

function repeats({ active, next }: State, frame: Frame): boolean {
  if (active?.overlap?.repeats(frame)) return true;
  next?.overlap?.count(frame);
  return false;
}

/** What the database has stamped is a clock. What a payload says is none: peers may have written it. */
function noteTimes(
  { skew, now }: State,
  { ledger }: Channel,
  { catchUp, at, committedAt }: Identity,
  { event }: Frame,
  isRead: boolean,
): void {
  if (event === "broadcast") ledger.broadcasts = true;
  if (committedAt !== undefined) skew.note(committedAt, now);
  const time = Math.min(at ?? Infinity, committedAt ?? Infinity);
  if (!catchUp || time === Infinity) return;
  if (committedAt !== undefined) {
    for (const each of [skew, ledger.skew]) each.note(time, now, catchUp);
  }
  ledger.advance(catchUp, { at: time, cameAt: now }, isRead);
}

/**
 * Delivers what Realtime has sent again and a link holds. What is older than an event that the
 * application has had was missed before and told then: it would come late now, after newer ones.
 */
export function deliverReplay(state: State, link: Link, channel: Channel): Missing {
  const isOwn = (frame: Frame) => frame.topic === channel.topic && isReplay(frame);
  const replayed = link.held.filter(isOwn);
  link.held = link.held.filter((frame) => !isOwn(frame));
  const identities = replayed.map((frame) => identify(state.catchUps, frame));
  const known = identities.map((each) => channel.ledger.has(each));
  const start = known.lastIndexOf(true) + 1;
  const isLate = known.slice(0, start).includes(false);
  // What is old and comes again may come once more.
  for (const each of identities.filter((_, i) => known[i])) {
    channel.ledger.note(each.keys, each, state.now, state.keepMs);
  }
  // It has the messages of one transaction in reverse order.
  const missing = replayed.slice(start);
  const ordered = inOrder(missing, (frame) => changeOf(state, channel, frame));
  for (const frame of ordered) deliver(state, channel, frame);
  // Of what began before them others may have ended behind them.
  const isCut = isLate || replayed.length >= REPLAY_LIMIT;
  const { parts, places } = channel;
  if (isCut && parts.casts.at !== "flowing") {
    parts.casts = open(parts.casts, places.get(link)?.replaySince ?? Infinity);
  }
  return isCut || !isFarEnough(state, channel) ? "events" : "unstored";
}

/**
 * False for a replay that may begin too late: it was asked for by this machine's clock, or not from
 * before the join, where transactions had begun that ended behind it.
 */
function isFarEnough({ skew }: State, { parts: { casts }, ledger: { joinedAt = 0 } }: Channel) {
  const isSinceJoin = casts.at !== "flowing" && casts.from - OVERLAP_MS < joinedAt - IN_FLIGHT_MS;
  return !isSinceJoin && skew.of() !== undefined;
}
