/** How the way to Realtime stands. */
export interface RelayStatus {
  /**
   * - `connecting`: the first socket is dialled
   * - `live`: a socket carries
   * - `reconnecting`: it was lost, the next is dialled, now or at `retryAt`
   * - `refused`: another attempt would be refused too; nothing is dialled until the token changes,
   *   retry() is called or the page becomes visible again
   * - `offline`: the machine has no network
   * - `closed`: not in use
   */
  state: "connecting" | "live" | "reconnecting" | "refused" | "offline" | "closed";
  /** When this state began, in ms since the epoch. */
  since: number;
  /** When the next attempt is due, in ms since the epoch. */
  retryAt?: number;
  /** The close code that led here. */
  code?: number;
  /** The relay's own `code: advice`. */
  reason?: string;
  /** The relay's address, without its query. */
  relay: string;
  /** When the last event reached the application, in ms since the epoch. */
  lastEventAt?: number;
  /** How many events were delivered by catching up. */
  caughtUp: number;
}
