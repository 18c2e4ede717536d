/**
 * Rows (Postgres Changes) and casts (broadcasts) of a channel miss events each on their own:
 *
 * ```
 *             a socket is lost, a subscription is late,
 *             the relay lost events                        the topic carries that part again
 *    flowing ──────────────────────────────────▶ open ──────────────────────────────────▶ reading
 *       ▲                                         ▲          the socket is lost             │
 *       │                                         └─────────────────────────────────────────┤
 *       └───────────── all is read, or its time is up: what was not had is told ◀───────────┘
 * ```
 *
 * Events of a part that does not flow wait, so that newer ones never come before older ones.
 */
export type Track =
  | { at: "flowing" }
  | { at: "open"; from: number; isCut?: boolean; until?: number }
  | {
    at: "reading";
    from: number;
    isCut?: boolean;
    /** Tells this read's answers from those of an earlier one. */
    read: number;
    attempt: number;
    /** Live events wait until then at most. */
    until: number;
    /** When it is read again, after it failed. */
    againAt?: number;
    /** What went wrong last. */
    reason?: string;
  };

export const PARTS = ["casts", "rows"] as const;

export type Part = typeof PARTS[number];

/** True where this read is not over yet. */
export const isReading = (track: Track, read: number): track is Track & { at: "reading" } =>
  track.at === "reading" && track.read === read;

/** What may be missing: anything; UPDATE and DELETE; broadcasts that Realtime does not store. */
export type Missing = "events" | "updates" | "unstored";

/**
 * The same by kind: changes of rows, and broadcasts that the database or clients have sent. Presence is
 * whole again with the next socket.
 */
export type Kind = "INSERT" | "UPDATE" | "DELETE" | "database" | "clients";

export const FLOWING: Track = { at: "flowing" };

/** Live events wait for what is read before them for so long, and no longer. */
export const READ_MS = 8_000;

/** The same for messages, which may be 72 hours' worth. */
export const READ_MESSAGES_MS = 30_000;

/** From a time on something may be missing. A gap may have begun before that was known. */
export const open = (track: Track, from: number): Track =>
  track.at === "flowing" ? { at: "open", from } : { ...track, from: Math.min(track.from, from) };

/** Its read is over without an end: the socket under it was lost. */
export const reopen = (track: Track): Track =>
  track.at === "flowing" ? track : { at: "open", from: track.from, isCut: track.isCut };

/** More waits than may: the oldest was dropped, and is told with the gap. */
export const cut = (
  track: Track,
  now: number,
): Track => ({ ...open(track, now), isCut: true } as Track);
