import type { CatchUp } from "./catch_up.ts";
import { asJson, type Frame, type Json } from "./frame.ts";

/** A join of the application that holds. What is known of its events outlives it. */
export interface Channel {
  topic: string;
  join: Frame;
  /** The application has had the answer. */
  acked: boolean;
  /** The bindings of the answer, with the ids that the application knows. */
  bindings: Json[];
  /** Extensions whose ok the application has had; it is not told again until an error was. */
  reported: Set<unknown>;
  /** The last presence track. */
  track?: Frame;
  /** How often it was not let in again. */
  failures: number;
  /** Which events the application has had, and when. */
  seen: Map<string, number>;
  /** The newest server time, in ms since the epoch, among the events of a table or of a kind. */
  last: Map<CatchUp | string, number>;
  /** When the application was first told that it is joined. */
  joinedAt?: number;
  /** Since when something may be missing, in ms since the epoch; live events wait meanwhile. */
  gap?: number;
  /** More came than may wait: some were dropped. */
  isCut?: boolean;
  /** It has carried broadcasts, which Postgres Changes cannot bring back. */
  broadcasts?: boolean;
}

export const createChannel = (join: Frame, before?: Channel): Channel => ({
  seen: new Map(),
  last: new Map(),
  ...before,
  topic: join.topic,
  join,
  acked: false,
  bindings: [],
  reported: new Set(),
  track: undefined,
  failures: 0,
});

export const configOf = ({ join }: Channel): Json => asJson(join.payload.config);

/** True where the option of the join's broadcast config is on. */
export const hasBroadcast = (channel: Channel | undefined, option: "ack" | "self"): boolean =>
  !!channel && asJson(configOf(channel).broadcast)[option] === true;
