import { backoff } from "../backoff.ts";
import { nameOf } from "../frame.ts";
import { isReplayed, kindsOf, readBy } from "../gap/plan.ts";
import {
  FLOWING,
  isReading,
  type Missing,
  open,
  type Part,
  PARTS,
  READ_MESSAGES_MS,
  READ_MS,
  reopen,
  type Track,
} from "../gap/track.ts";
import {
  type Channel,
  type ChannelDeed,
  type ChannelEvent,
  IN_FLIGHT_MS,
  type Moment,
  topicOf,
} from "./channel.ts";

/** One transition of a channel: what it does beside what it makes of the channel. */
export interface Change {
  readonly channel: Channel;
  readonly at: Moment;
  readonly deeds: ChannelDeed[];
}

/** From a time on all parts miss what comes. */
export function miss(change: Change, from: number): void {
  openPart(change, "casts", from);
  if (change.channel.told?.bindings.length) missRows(change, from);
}

/** Rows may have stopped before. */
export function missRows(change: Change, from: number): void {
  openPart(change, "rows", Math.min(from, change.channel.trouble?.since ?? from));
}

/** Where it misses something already that may have begun earlier. */
export function openPart({ channel: { parts }, deeds }: Change, part: Part, from: number): void {
  if (parts[part].at === "reading") deeds.push({ do: "stop", part });
  parts[part] = open(reopen(parts[part]), from);
}

/** It is in doubt who is signed in: what is read is not for whoever comes. */
export function stopReading(change: Change): void {
  for (const part of PARTS) {
    if (change.channel.parts[part].at === "reading") openPart(change, part, Infinity);
  }
}

/** The relay has lost events: newer ones wait from now on. */
export function missLive(change: Change, since: number): void {
  const { channel, at: { active } } = change;
  const place = active && channel.places.get(active);
  if (!channel.told) return;
  const before = { ...channel.parts };
  miss(change, since - IN_FLIGHT_MS);
  for (const part of PARTS) {
    const { until } = before[part] as { until?: number };
    // What waits already waits for no longer.
    if (until) channel.parts[part] = { ...channel.parts[part], until } as Track;
  }
  if (place) place.replaySince = undefined;
}

/** Brings back what the active link's topic missed, as far as it carries that again. */
export function recover({ channel, at: { active, now, catchUps }, deeds }: Change): void {
  const { parts } = channel;
  const place = active && channel.places.get(active);
  if (!place || active.muted || !channel.told) return;
  const { stage } = place;
  const isCarried = {
    rows: stage.at === "ready",
    casts: place.isJoined,
  };
  for (const part of PARTS) {
    const track = parts[part];
    if (track.at !== "open" || !isCarried[part]) continue;
    if (
      part === "casts" && place.replaySince === undefined && isReplayed(catchUps, topicOf(channel))
    ) {
      return void deeds.push({ do: "rejoin", link: active });
    }
    const read = ++channel.reads;
    const isLong = part === "casts" && readBy(catchUps, topicOf(channel));
    const until = now + (isLong ? READ_MESSAGES_MS : READ_MS);
    parts[part] = { until, ...track, at: "reading", read, attempt: 0 };
    deeds.push({ do: "read", part, read });
  }
}

/** Of a part's read: all has come, or it failed. */
export function endRead(change: Change, event: ChannelEvent & { is: "read" | "failed" }): void {
  const { channel: { parts }, at: { now, chance } } = change;
  const { part } = event;
  const track = parts[part];
  if (!isReading(track, event.read)) return;
  if (event.is === "read") return close(change, part, event.missing);
  const { reason, isFinal } = event;
  const againAt = now + backoff(track.attempt, chance);
  if (isFinal || againAt >= track.until) close(change, part, "events", reason);
  else parts[part] = { ...track, againAt, reason };
}

/** Time has passed for what is read. */
export function dueReads(change: Change): void {
  const { channel, at: { now }, deeds } = change;
  for (const part of PARTS) {
    const track = channel.parts[part] as Track & { at: "reading" };
    if (track.until <= now) {
      close(change, part, "events", track.reason ?? "Reading it takes too long.");
    } else if (track.againAt! <= now) {
      const read = ++channel.reads;
      channel.parts[part] = { ...track, read, attempt: track.attempt + 1, againAt: undefined };
      deeds.push({ do: "read", part, read });
    }
  }
}

/** Live events go on, after word of what could not be had. */
export function close(change: Change, part: Part, missing?: Missing, reason?: string): void {
  const { channel, at: { now, catchUps }, deeds } = change;
  const { parts, topic } = channel;
  const track = parts[part];
  if (track.at === "flowing") return;
  parts[part] = FLOWING;
  // The other part may be read again from where it began.
  if (PARTS.every((each) => parts[each].at === "flowing")) channel.ledger.settle();
  if (reason) deeds.push({ do: "stop", part });
  if (reason && part === "casts") channel.ledger.history.start = undefined;
  const what = track.isCut ? "events" : missing;
  if (what) {
    const payload = {
      ...{ extension: "relay", status: "gap", channel: nameOf(topic) },
      ...{ from: track.from, to: now, missing: what },
      kinds: kindsOf(part, what, catchUps, topicOf(channel)),
      message: "Events of this topic may be missing.",
      ...(reason && { reason }),
    };
    deeds.push({ do: "deliver", frame: { topic, event: "system", payload } });
  }
  deeds.push({ do: "flow" });
}
