import type { Dialling } from "../realtime/realtime.ts";

/** What parties and the world around them may do: plain data, so that a script can be printed and kept. */
export type Command =
  | Open
  | Crowd
  /** See JOIN_TOKENS. */
  | { do: "join"; c: number; topic: number; config: number; token: number }
  | { do: "joins"; c: number; count: number; config: number }
  /** Of its own join, or of none, or of one that is over: these Realtime passes over. */
  | { do: "leave"; c: number; topic: number; of?: number }
  | { do: "push"; c: number; topic: number; size: number; binary: boolean }
  | { do: "pushes"; c: number; count: number; size: number }
  | { do: "track"; c: number; topic: number }
  | { do: "sign"; c: number; topic: number; user: number; role: number; life: number }
  | { do: "sign badly"; c: number; topic: number; kind: number }
  | { do: "sign out"; c: number; topic: number }
  | { do: "shout"; c: number; size: number }
  /** Heartbeats whose refs are so long, which come back with the answers. */
  | { do: "beats"; c: number; count: number; size: number }
  | { do: "churn"; c: number; count: number; perSecond: number; topics: number }
  | { do: "close"; c: number; code: number }
  | { do: "answer"; c: number }
  | { do: "pace"; c: number; pace: number }
  | { do: "right"; topic: number; role: number; right: "read" | "write"; may: boolean }
  | { do: "emit"; topic: number; private: boolean; size: number; count: number }
  | { do: "change"; table: number; slug: number; size: number; count: number }
  | { do: "pass"; ms: number }
  | { do: "cut"; which: number; code: number }
  | { do: "stall"; which: number; isStalled: boolean }
  | { do: "weather"; dial: Dialling; lateMs: number; pool: number }
  | { do: "kill"; topic: number; event: "phx_close" | "phx_error" }
  /**
   * The worker stands still for so long; what comes meanwhile it finds when it comes to, behind its
   * timers or before them.
   */
  | { do: "stand"; ms: number; readsFirst?: boolean }
  | { do: "drain"; reason: "drain" | "termination" | "cpu" }
  | { do: "verdict"; who: number }
  | Http;

export interface Open {
  do: "open";
  vsn: 1 | 2;
  /** A viewer, a user by number, or what bad token. */
  who: "viewer" | "user" | "bad";
  user: number;
  role: number;
  life: number;
  pace: number;
  mute: boolean;
  /** Offers the relay's subprotocols, and so is told notices. */
  notices: boolean;
  /** Sends heartbeats. */
  beats: boolean;
  /** Its address, by number. Default: 0. */
  from?: number;
}

/** Viewers that open and join at once: the same, or each with a filter of its own. */
export interface Crowd {
  do: "crowd";
  count: number;
  vsn: 1 | 2;
  topic: number;
  config: number;
  alike: boolean;
}

export interface Http {
  do: "http";
  who: "viewer" | "user" | "bad";
  user: number;
  topic: number;
  form: "path" | "list";
  private: unknown;
  body: boolean;
  size: number;
}

/** What a join brings beside its config: nothing, a token that the client has, or one by another name. */
export const JOIN_TOKENS = ["none", "own", "key", "new", "user_token", "bad"] as const;

/** The topics of these worlds; small, so that parties meet. */
export const TOPICS = ["realtime:a", "realtime:b", "realtime:c:1"];
export const TABLES = ["clicks", "notes"];
export const SLUGS = ["x", "y"];
export const ALL_ROLES = ["anon", "authenticated", "editor"];
/** Bytes a millisecond. */
export const PACES = [Infinity, 2_000, 20, 0];

const EVERYTHING = {
  broadcast: { ack: false, self: false },
  presence: { enabled: false, key: "" },
};
const on = (table: string, filter?: string) => ({ event: "*", schema: "public", table, filter });

/** Configs of joins; the first ones are what viewers share. */
export const CONFIGS: Record<string, unknown>[] = [
  { ...EVERYTHING, private: false },
  { ...EVERYTHING, private: true },
  { ...EVERYTHING, private: false, postgres_changes: [on("clicks")] },
  { ...EVERYTHING, private: true, postgres_changes: [on("clicks", "slug=eq.x")] },
  { ...EVERYTHING, private: false, postgres_changes: [on("notes"), on("clicks")] },
  { ...EVERYTHING, private: false, broadcast: { ack: true, self: true } },
  { ...EVERYTHING, private: true, presence: { enabled: true, key: "k" } },
];

/** What no other viewer's join is equal to. */
export const filterOf = (place: number) => ({
  ...EVERYTHING,
  private: false,
  postgres_changes: [on("clicks", `slug=eq.s${place}`)],
});

/** A command in a line, for whoever reads a finding. */
export function show(command: Command): string {
  const { do: verb, ...rest } = command;
  const words = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [verb, ...words].join(" ");
}
