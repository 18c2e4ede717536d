import type { CatchUp } from "./catch_up.ts";
import { asJson, type Frame, type Json } from "./frame.ts";
import { Seen } from "./seen.ts";

/** What a topic may have missed. */
export interface Gap {
  /** Milliseconds since the epoch, by this machine's clock. */
  from: number;
  /** Stored messages that Realtime has sent again since. */
  replayed: number;
  /** One of them was known: nothing between it and the next is missing. */
  continuous: boolean;
}

/** What is known of a topic's events; it outlives a join that the application repeats. */
export interface Memory {
  seen: Seen;
  /** The newest server time among the events of a table, in ms since the epoch. */
  last: Map<CatchUp, number>;
  /** The newest server time among its broadcasts. */
  lastBroadcast?: number;
  /** When the application was first told that it is joined. */
  joinedAt?: number;
  /** Set while something may be missing; live events wait meanwhile. */
  gap?: Gap;
  /** Live events wait no longer: more than a bound of them came. */
  flowing: boolean;
  /** It has carried broadcasts, which Postgres Changes cannot bring back. */
  broadcasts: boolean;
}

/** A join of the application that holds. */
export interface Channel {
  topic: string;
  join: Frame;
  /** The application has had the answer. */
  acked: boolean;
  /** The bindings of the answer, with the ids that the application knows. */
  bindings: Json[];
  /** Extensions whose first ok the application has had. */
  reported: Set<unknown>;
  /** The last presence track, and whether the application has had its answer. */
  track?: { frame: Frame; answered: boolean };
  memory: Memory;
  /** How often it was not let in again. */
  failures?: number;
}

export function createMemory(keepMs: number): Memory {
  return { seen: new Seen(keepMs), last: new Map(), flowing: false, broadcasts: false };
}

export function createChannel(join: Frame, memory: Memory): Channel {
  const { topic } = join;
  return { topic, join, acked: false, bindings: [], reported: new Set(), memory };
}

export const configOf = ({ join }: Channel): Json => asJson(join.payload.config);

/** True where sockets of the same client may not hear what it sent. */
export const isSilentToSelf = (channel: Channel): boolean =>
  asJson(configOf(channel).broadcast).self !== true;

export const isPrivate = (channel: Channel): boolean => configOf(channel).private === true;

/** True where Realtime answers this push. */
export function isAnswered(channel: Channel | undefined, { event }: Frame): boolean {
  if (event !== "broadcast") return true;
  return !!channel && asJson(configOf(channel).broadcast).ack === true;
}
