import type { Link } from "../session/link.ts";
import type { Word as Told } from "../session/session.ts";
import type { Word } from "../session/state.ts";

/** How the next socket stands. */
export type Way =
  | { at: "idle" }
  | { at: "waiting"; until: number }
  /** `refused`: the server did not take its token, and the same one is not tried again. */
  | { at: "asking"; refused?: Link }
  | { at: "dialling"; link: Link; since: number; until: number }
  | { at: "proving"; link: Link; since: number; until: number }
  | { at: "joining"; link: Link }
  | { at: "refused"; token: string | null; pollAt: number };

/** Why it stands as it does, for whoever looks at the status. */
export interface Why {
  code?: number;
  reason?: string;
}

/** What the connection is told. */
export type Event =
  | { is: "attached" }
  | { is: "detached" }
  /** token() has given this; `own` is whose it counts for: without token() that of the frames. */
  | { is: "token"; token: string | null; own: string | null }
  | { is: "no token"; name: string }
  /** The socket could not even be made, or its token is none. */
  | { is: "forbidden"; link: Link; reason: string }
  | { is: "opened"; link: Link }
  | Word
  | { is: "woken"; why: "online" | "visible" }
  | { is: "retry" }
  /** The application sends: somebody may have signed in. */
  | { is: "used" }
  | { is: "due" };

/** What is to be done. The session's part is in its own words. */
export type Act =
  | { do: "ask" }
  | { do: "dial"; link: Link }
  | { do: "close"; link: Link }
  /** The application's socket is to be open, once more if it was. */
  | { do: "open"; again: boolean }
  | Told;

export interface Moment {
  now: number;
  /** From 0 to 1. */
  chance: number;
  isOffline: boolean;
}

export interface Options {
  wallClockMs?: number;
  /** Realtime itself, which says late that a token is old. */
  isDirect: boolean;
}
