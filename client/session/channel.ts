/**
 * The machine of one channel: a topic that the application has joined. It has a place on each socket
 * that carries it, at most two while one takes over from the other, and each place stands so:
 *
 * ```
 *              join                ok              Subscribed, or no Postgres Changes
 *     (none) ────────▶ joining ─────────▶ subscribing ─────────────────────────▶ ready
 *                      ▲     │ error,          │ error,                            │ closed
 *       its time is up │     │ no answer       │ none in time                      │
 *                      │     ▼                 ▼                                   ▼
 *                      └── waiting ◀─────────────────────────────── of the next socket; of the active
 *                            │ tried too often, or for good                 one: the application is told
 *                            ▼
 *                         on the active socket the application is told, and the channel ends; on the
 *                         next one it waits, and is tried once more when that takes over
 * ```
 *
 * `told` is there once the application has had the answer to its join: from then on the channel is
 * restored without its doing. Until then errors are its own, but those that only say "later". A first
 * join with Postgres Changes is answered when those flow, for as long as the application has patience:
 * what is committed before that comes by no frame.
 * A Postgres subscription that stays refused is told, and the place is ready without it. What the
 * channel misses meanwhile is kept by its two tracks (gap/track.ts).
 */
import type { CatchUp } from "../catch_up.ts";
import { asJson, type Frame, type Json, nameOf } from "../frame.ts";
import { Ledger } from "../gap/ledger.ts";
import type { Topic } from "../gap/plan.ts";
import type { Skew } from "../gap/time.ts";
import { FLOWING, type Missing, open, type Part, reopen, type Track } from "../gap/track.ts";
import type { ChannelStatus } from "../status.ts";
import type { Link } from "./link.ts";

export type Stage =
  | { at: "joining"; until: number }
  /** `answer`: the application has not had it yet, and is not joined as far as it knows. */
  | { at: "subscribing"; until: number; answer?: Frame }
  | { at: "ready" }
  | { at: "waiting"; until: number; reason: string };

export interface Place {
  stage: Stage;
  /** Realtime has it joined: its frames come. */
  isJoined: boolean;
  /** When its join went out, in ms by this machine's clock. */
  askedAt: number;
  /** What was answered last to a join that is new, and is tried again. */
  refusal?: Frame;
  /** The join under way has ended one that stood. */
  replaces: boolean;
  /** The join has asked for a replay from then on: what began before a gap may have ended in it. */
  replaySince?: number;
  /** It took over when nothing was missing any more: newer ones had come on the link before. */
  isOver?: boolean;
  /** How much of it came late: behind the answer to what was sent after the join. */
  late: number;
  /** What it is still replayed was had, or told. */
  isSpent?: boolean;
  /** This link's binding ids, and the ids that the application knows them by. */
  ids: Map<unknown, unknown>;
  /** Closes of this topic that follow from joining it again, and mean nothing. */
  closes: number;
}

export interface Channel {
  readonly topic: string;
  readonly join: Frame;
  readonly askedAt: number;
  /** The application has had the answer, with these bindings. */
  told?: { bindings: Json[] };
  /** Extensions whose ok the application has had; it is not told again until an error was. */
  readonly reported: Set<unknown>;
  /** The last presence track. */
  track?: Frame;
  /** Tries since it was ready last, and when the first of them failed. */
  failures: number;
  failingSince?: number;
  /** Why it has ended: the application was told. */
  refusal?: string;
  /** Why its Postgres Changes do not flow. */
  trouble?: { reason: string; since: number };
  readonly places: Map<Link, Place>;
  readonly parts: Record<Part, Track>;
  /** Numbers its reads. */
  reads: number;
  readonly ledger: Ledger;
}

/** What a channel is told. `active` is the link that carries the application's frames. */
export type ChannelEvent =
  | { is: "join"; link: Link }
  | { is: "answer"; link: Link; frame: Frame }
  | { is: "system"; link: Link; frame: Frame }
  | { is: "closed"; link: Link; frame: Frame }
  | { is: "lost"; link: Link }
  /** The link has become the active one in the place of another, whose last frame came then. */
  | { is: "over"; link: Link; since: number }
  /** The relay has lost events of the topic. */
  | { is: "missing"; since: number }
  /** Realtime has replayed late as much as it ever does: there may be more. */
  | { is: "cut"; link: Link }
  /** It is in doubt who is signed in: what is read is not for whoever comes. */
  | { is: "doubted" }
  /** What waited goes on: it is known again who is signed in, or all have had their chance to read. */
  | { is: "settled" }
  | { is: "read"; part: Part; read: number; missing?: Missing }
  | { is: "failed"; part: Part; read: number; reason: string; isFinal: boolean }
  | { is: "due" };

/** What is to be done about it. */
export type ChannelDeed =
  /** Sends the join: what it asks for beyond the application's own config. */
  | { do: "join"; link: Link; again: boolean; replaySince?: number }
  /** Is to be joined again, where the link allows it. */
  | { do: "rejoin"; link: Link }
  | { do: "deliver"; frame: Frame }
  /** The application has been told that it is joined. */
  | { do: "told" }
  /** The link's token no longer counts. */
  | { do: "distrust"; link: Link }
  /** The channel is no more, until the application joins again. */
  | { do: "forget"; isLeft: boolean }
  /** Sends what waited for the join; `isNew`: the last presence track too. */
  | { do: "flush"; link: Link; isNew?: boolean }
  | { do: "read"; part: Part; read: number }
  | { do: "stop"; part: Part }
  /** Delivers what waits for nothing any more, and moves on where the next link is ready. */
  | { do: "flow" }
  /** Delivers what a replay brought that nobody waits for any more. */
  | { do: "replayed"; link: Link };

export interface Moment {
  now: number;
  /** From 0 to 1. */
  chance: number;
  active?: Link;
  catchUps: CatchUp[];
}

/** Events in flight when a socket was lost happened this much before its last frame. */
export const IN_FLIGHT_MS = 10_000;

interface Clocks {
  now: number;
  skew: Skew;
}

/** `before` is what was known of the topic when the application had joined it earlier. */
export function createChannel(join: Frame, { now, skew }: Clocks, before?: Channel): Channel {
  const ledger = before?.ledger ?? new Ledger(skew);
  // Joined before, then failed: what came in between is missing like after a lost socket.
  const again = (part: Part) =>
    before && ledger.joinedAt !== undefined
      ? open(reopen(before.parts[part]), now - IN_FLIGHT_MS)
      : FLOWING;
  return {
    ...{ topic: join.topic, join, askedAt: now, ledger },
    ...{ reported: new Set(), failures: 0, places: new Map(), reads: before?.reads ?? 0 },
    parts: { rows: again("rows"), casts: again("casts") },
  };
}

export const configOf = ({ join }: Channel): Json => asJson(join.payload.config);

/** True where the option of the join's broadcast config is on. */
export const hasBroadcast = (channel: Channel | undefined, option: "ack" | "self"): boolean =>
  !!channel && asJson(configOf(channel).broadcast)[option] === true;

/** True where Realtime answers this push. */
export const isAnswered = (channel: Channel | undefined, { event, ref }: Frame): boolean =>
  !!ref && (event !== "broadcast" || hasBroadcast(channel, "ack"));

export const topicOf = (channel: Channel): Topic => ({
  topic: channel.topic,
  isPrivate: configOf(channel).private === true,
  bindings: channel.told?.bindings ?? [],
  mayBroadcast: !!configOf(channel).broadcast,
  ledger: channel.ledger,
});

/** When the channel wants to be told `due`. */
export function dueAt({ places, parts, told }: Channel): number {
  const stages = [...places.values()].map(({ stage, refusal }) =>
    "until" in stage && (told || refusal || stage.at !== "joining") ? stage.until : Infinity
  );
  const tracks = Object.values(parts).map((track) =>
    track.at === "reading" ? Math.min(track.until, track.againAt ?? Infinity) : Infinity
  );
  return Math.min(...stages, ...tracks);
}

export function standing(channel: Channel, active?: Link): ChannelStatus {
  const { topic, told, parts, trouble, refusal } = channel;
  const about = { channel: nameOf(topic) };
  if (refusal !== undefined) return { ...about, state: "refused", reason: refusal };
  const place = active && channel.places.get(active);
  if (place?.stage.at === "waiting") {
    return { ...about, state: "waiting", reason: place.stage.reason };
  }
  if (!told || !place || place.stage.at === "joining") {
    return { ...about, state: "joining" };
  }
  const track = Object.values(parts).find(({ at }) => at !== "flowing");
  if (!track) {
    return { ...about, state: "joined", ...(trouble && { reason: trouble.reason }) };
  }
  const { reason } = track as { reason?: string };
  return { ...about, state: "catching up", ...(reason && { reason }) };
}
