import type { Channel } from "./channel.ts";
import type { Frame } from "./frame.ts";

/** A topic on a link. */
export interface Place {
  link: Link;
  channel: Channel;
  joined?: boolean;
  /** Joined, and Postgres Changes flow where it has any. */
  ready?: boolean;
  /** The join has asked for a replay. */
  replays?: boolean;
  /** It took over when nothing was missing any more: what it is still replayed was had, or told. */
  spent?: boolean;
  /** This link's binding ids, and the ids that the application knows them by. */
  ids: Map<unknown, unknown>;
  /** Closes of this topic that follow from joining it again, and mean nothing. */
  closes: number;
}

/** A socket underneath, as the session sees it. */
export interface Link {
  socket?: WebSocket;
  /** The token of the handshake, and the newest that it was told. */
  handshake: string | null;
  token: string | null;
  /** A refused socket opens too: only an answer from behind the relay proves a link. */
  provenAt?: number;
  /** Somebody else may be signed in: nothing passes until that is known. */
  muted?: boolean;
  places: Map<string, Place>;
  /** Events that wait: for the switch to this link, or for what their topic missed. */
  held: Frame[];
  /** What to do with the answers to pushes, and where the link was lost before one came. */
  pending: Map<string, (answer?: Frame) => void>;
  lastFrameAt: number;
  /** Ends what reads for this link. */
  gone: AbortController;
}

export const createLink = (now: number, token: string | null = null): Link => ({
  handshake: token,
  token,
  places: new Map(),
  held: [],
  pending: new Map(),
  lastFrameAt: now,
  gone: new AbortController(),
});

/** A push that is never answered, as one that may not be sent, is forgotten after so many others. */
const MAX_PENDING = 1_000;

/** Calls back with the answer to a push, or without one when the link is lost. */
export function expect({ pending }: Link, ref: string, then: (answer?: Frame) => void): void {
  pending.set(ref, then);
  if (pending.size > MAX_PENDING) pending.delete(pending.keys().next().value!);
}
