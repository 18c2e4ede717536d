/** How the way to Realtime stands. */
export interface RelayStatus {
  /**
   * - `connecting`: the first socket is dialled
   * - `live`: a socket carries, and something behind the relay has answered on it
   * - `reconnecting`: it was lost, the next is dialled, now or at `retryAt`
   * - `refused`: another attempt would be refused too; nothing is dialled until the token changes,
   *   retry() is called or the page becomes visible again
   * - `offline`: the machine has no network
   * - `closed`: not in use
   */
  state:
    | "connecting"
    | "live"
    | "reconnecting"
    | "refused"
    | "offline"
    | "closed";
  /** When this state began, in ms since the epoch. */
  since: number;
  /** When the next attempt is due, in ms since the epoch. */
  retryAt?: number;
  /** The close code that led here. */
  code?: number;
  /** What a person can act on: the relay's own `code: advice`, or what is wrong on this side. */
  reason?: string;
  /** The relay's address, without its query. */
  relay: string;
  /** When the last event reached the application, in ms since the epoch. */
  lastEventAt?: number;
  /** How many events were delivered by catching up. */
  caughtUp: number;
  /** How each channel of the application stands, at the moment of asking. */
  channels?: ChannelStatus[];
}

/** How a channel stands on the way. */
export interface ChannelStatus {
  /** Its name, without `realtime:`. */
  channel: string;
  /**
   * - `joining`: the answer to the join is awaited, or a socket is
   * - `joined`: its events flow
   * - `catching up`: joined; what it missed is read, and newer events wait for that
   * - `waiting`: Realtime did not let it in again, for `reason`; it is tried again
   * - `refused`: nothing is tried any more; the application has been told `reason`
   */
  state: "joining" | "joined" | "catching up" | "waiting" | "refused";
  reason?: string;
}
