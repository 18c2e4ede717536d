import type { Data, Frame } from "./frame.ts";
import { userOf } from "./token.ts";

/** A topic on a link. */
export interface Place {
  joined: boolean;
  /** Joined, and Postgres Changes flow where it has any. */
  ready: boolean;
  /** This link's binding ids, and the ids that the application knows them by. */
  ids: Map<unknown, unknown>;
  /** Extensions that have reported ok on this link. */
  reported: Set<unknown>;
  /** Closes of this topic that follow from joining it again, and mean nothing. */
  closes: number;
  /** The first answer, where the application waits for it and another link is active. */
  answer?: { frame: Frame; data: Data };
}

/** A socket underneath, as the session sees it. */
export interface Link {
  readonly id: number;
  /** The newest token that it was told. */
  token: string | null;
  user: string | null;
  /** A refused socket opens too: only an answer from behind the relay proves a link. */
  proven: boolean;
  /** Somebody else may be signed in: nothing passes until that is known. */
  muted: boolean;
  places: Map<string, Place>;
  /** Events that wait: for the switch to this link, or for what their topic missed. */
  held: { frame: Frame; data: Data }[];
  /** Pushes of the application that will be answered. */
  pending: Map<string, Frame>;
  /** Called when the link answers an own heartbeat. */
  barriers: Map<string, () => void>;
  lastFrameAt: number;
  /** The token of the handshake. */
  handshake?: string | null;
  provenAt?: number;
  /** Ends what reads for this link. */
  gone: AbortController;
}

export function createLink(id: number, token: string | null, now: number): Link {
  return {
    id,
    token,
    user: userOf(token),
    proven: false,
    muted: false,
    places: new Map(),
    held: [],
    pending: new Map(),
    barriers: new Map(),
    lastFrameAt: now,
    gone: new AbortController(),
  };
}

export function createPlace(): Place {
  return { joined: false, ready: false, ids: new Map(), reported: new Set(), closes: 0 };
}

/** A push that is never answered, as one that may not be sent, is forgotten after so many others. */
const MAX_PENDING = 1_000;

/** Remembers a push that will be answered. */
export function expect(link: Link, frame: Frame): void {
  if (!frame.ref) return;
  link.pending.set(frame.ref, frame);
  if (link.pending.size > MAX_PENDING) link.pending.delete(link.pending.keys().next().value!);
}
