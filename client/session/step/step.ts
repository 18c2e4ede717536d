import type { Frame } from "../../frame.ts";
import { open } from "../../gap/track.ts";
import {
  type Channel,
  type ChannelDeed,
  type ChannelEvent,
  IN_FLIGHT_MS,
  type Moment,
  type Place,
} from "../channel.ts";
import type { Link } from "../link.ts";
import {
  type Change,
  close,
  dueReads,
  endRead,
  miss,
  missLive,
  missRows,
  openPart,
  recover,
  stopReading,
} from "../missing.ts";
import { answer, answered, end, join, lastAnswerAt, SUBSCRIBE_MS, wait } from "./join.ts";
import { resubscribed, silent, system } from "./subscribe.ts";

/** For a link on which it is in doubt who is signed in. */
const ASK_AGAIN_MS = 1_000;

/** Tells a channel what happened: its places and tracks are the next ones then. Returns what follows. */
export function step(channel: Channel, event: ChannelEvent, at: Moment): ChannelDeed[] {
  const change: Change = { channel, at, deeds: [] };
  take(change, event);
  return change.deeds;
}

function take(change: Change, event: ChannelEvent): void {
  if (event.is === "due") return due(change);
  if (event.is === "read" || event.is === "failed") return endRead(change, event);
  if (event.is === "missing") return missLive(change, event.since);
  if (event.is === "doubted") return stopReading(change);
  if (event.is === "settled") return recover(change);
  const { link } = event;
  if (event.is === "join") return join(change, link);
  if (event.is === "lost") return lost(change, link);
  if (event.is === "over") return over(change, link, event.since);
  const place = change.channel.places.get(link);
  if (!place) return;
  if (event.is === "cut") return cut(change, place);
  const { frame } = event;
  if (event.is === "closed") closed(change, link, place, frame);
  else if (event.is === "system") system(change, link, place, frame);
  else answered(change, link, place, frame);
}

function closed(change: Change, link: Link, place: Place, frame: Frame): void {
  const { join } = change.channel;
  const { event, ref } = frame;
  if (ref && ref !== join.join_ref && ref !== join.ref) return;
  if (event === "phx_close" && place.closes > 0) return replaced(change, link, place);
  if (link === change.at.active) {
    // realtime-js takes no end before the answer: a join without one is tried again for ever.
    if (place.stage.at === "subscribing" && place.stage.answer) {
      answer(change, link, place.stage.answer);
    }
    return end(change, link, frame, event === "phx_close");
  }
  place.isJoined = false;
  wait(change, link, place, "closed");
}

/** The close of an earlier join comes before anything that is said of this one but its answer. */
function replaced(change: Change, link: Link, place: Place): void {
  const { channel, at: { now, active } } = change;
  place.closes--;
  // "Subscribed" was said of that one.
  if (place.stage.at !== "ready" || !channel.told?.bindings.length) return;
  place.stage = { at: "subscribing", until: now + SUBSCRIBE_MS };
  if (link === active) missRows(change, place.askedAt);
}

function lost(change: Change, link: Link): void {
  const { channel, at: { active } } = change;
  channel.places.delete(link);
  if (link === active && channel.told) {
    miss(change, link.freshAt - IN_FLIGHT_MS);
  }
}

function over(change: Change, link: Link, since: number): void {
  const { channel } = change;
  const { told, places, parts } = channel;
  for (const other of places.keys()) if (other !== link) places.delete(other);
  if (!told) return;
  const place = places.get(link);
  const stage = place?.stage;
  if (stage?.at !== "ready" || channel.trouble) missRows(change, since);
  if (stage?.at === "ready" && channel.trouble) resubscribed(change, link, place!);
  if (stage?.at === "waiting") stage.until = change.at.now;
  if (place?.isJoined && parts.casts.at === "flowing") {
    // Asked for before the active link closed the gap, and maybe not whole yet.
    if (!link.muted) change.deeds.push({ do: "replayed", link });
    place.isOver = true;
  }
  if (place?.isJoined) change.deeds.push({ do: "flush", link });
  recover(change);
}

function cut(change: Change, { replaySince }: Place): void {
  openPart(change, "casts", replaySince ?? change.at.now - IN_FLIGHT_MS);
  close(change, "casts", "events");
}

function due(change: Change): void {
  const { channel, at: { now } } = change;
  for (const [link, place] of channel.places) {
    const { stage } = place;
    if (!("until" in stage) || stage.until > now) continue;
    const last = lastAnswerAt(channel, place);
    if (last <= now) {
      end(change, link, place.refusal!);
    } else if (stage.at === "waiting") {
      // Where the link does not let it just now, it is asked again.
      stage.until = Math.min(now + ASK_AGAIN_MS, last);
      change.deeds.push({ do: "rejoin", link });
    } else if (stage.at === "subscribing" && stage.answer) {
      // Rows that are committed between the answer and "Subscribed" come by no frame.
      channel.parts.rows = open(channel.parts.rows, now);
      place.stage = { at: "subscribing", until: now + SUBSCRIBE_MS };
      answer(change, link, stage.answer);
      recover(change);
    } else if (stage.at === "subscribing") {
      silent(change, link, place);
    } else if (channel.told) {
      wait(change, link, place, "Realtime does not answer the join.");
    }
  }
  dueReads(change);
}
