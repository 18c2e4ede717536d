import type { Frame } from "../frame.ts";
import type { Overlap } from "../gap/overlap.ts";

/** A socket underneath, as the session sees it. */
export interface Link {
  readonly id: number;
  /** The token of the handshake, and the newest that it was told. */
  readonly handshake: string | null;
  token: string | null;
  /** When it was proven: a refused socket opens too, only an answer from behind the relay tells. */
  provenAt?: number;
  /** When its token ends, and when its worker does, once the relay has said so. */
  endsAt?: number;
  leaveBy?: number;
  /** Somebody else may be signed in: nothing passes until that is known. */
  muted?: boolean;
  /** Events that wait: for the switch to this link, or for what their topic missed. */
  held: Frame[];
  /** What the socket before it has delivered more of, until nothing of that can come any more. */
  overlap?: Overlap;
  /** What answers are for. */
  readonly pending: Map<string, Pending>;
  /** Heartbeats in the order in which they went out, each with the time by which it is answered. */
  readonly beats: { ref: string; at: number; until: number }[];
  lastFrameAt: number;
  /**
   * The same of what comes from behind the relay, but for a page that stood still: what comes behind
   * that may have waited for it. Nor does it pass what waits on a muted one.
   */
  freshAt: number;
  /** Answers that are to come before what comes is known to be fresh. */
  behind: number;
}

/** What an answer is for. */
export type Pending =
  | { to: "push"; frame: Frame }
  | { to: "leave"; frame: Frame }
  /** A heartbeat of the application. */
  | { to: "beat"; frame: Frame }
  /** A heartbeat of the transport's own: the socket is alive. */
  | { to: "alive" }
  /** All that came while the page stood still has come. */
  | { to: "fresh" }
  /** All that this old socket had in flight has come. */
  | { to: "switch" }
  /** All that this new socket had in flight, which the old one may have brought, has come. */
  | { to: "settled" }
  /** All of a replay has come. */
  | { to: "replay"; topic: string; read: number };

export const createLink = (
  id: number,
  now: number,
  handshake: string | null,
  token = handshake,
): Link => ({
  ...{ id, handshake, token },
  ...{ held: [], pending: new Map(), beats: [] },
  ...{ lastFrameAt: now, freshAt: now, behind: 0 },
});

/** A push that is never answered, as one that may not be sent, is forgotten after so many others. */
const MAX_PENDING = 1_000;

export function expect({ pending }: Link, ref: string, then: Pending): void {
  pending.set(ref, then);
  if (pending.size > MAX_PENDING) pending.delete(pending.keys().next().value!);
}
