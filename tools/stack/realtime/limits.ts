/** What one client may do. The defaults are for development: nothing that the sizes do not force. */
export interface Limits {
  /** Sockets at once; more are refused with 429. */
  sockets: number;
  /** Channels of one socket. */
  channels: number;
  /**
   * Joins of all clients in a second, on the average of `joinsAveragedMs`. A join above it ends its
   * socket, and sockets are refused with 429 until the average is below it.
   */
  joinsPerSecond: number;
  joinsAveragedMs: number;
  /**
   * Broadcasts sent and received in a second, on the average of a minute. Above it the channel that
   * receives one is closed, and HTTP answers 429.
   */
  eventsPerSecond: number;
  /** Presence calls of one channel in 30 seconds. */
  presenceCalls: number;
  /** Bytes of a broadcast's payload. */
  payloadBytes: number;
  /** Bytes of a frame; a larger one closes the socket with 1009. */
  frameBytes: number;
  /** Bytes of a change; a larger one is sent without its large columns. */
  recordBytes: number;
  /** A socket without a frame from its client for so long is closed with 1000. */
  idleMs: number;
  /** How often the publication is looked at for new and vanished tables. */
  publicationLookMs: number;
  /** Bytes that a client has not read; a socket with more is closed. */
  unreadBytes: number;
}

export const DEFAULTS: Limits = {
  sockets: Infinity,
  channels: Infinity,
  joinsPerSecond: Infinity,
  joinsAveragedMs: 60_000,
  eventsPerSecond: Infinity,
  presenceCalls: Infinity,
  payloadBytes: 3_000_000,
  frameBytes: 5_000_000,
  recordBytes: 1024 * 1024,
  idleMs: 60_000,
  publicationLookMs: 60_000,
  // Twelve of the largest frames: a browser that is this far behind has stopped reading.
  unreadBytes: 64 * 1024 * 1024,
};

/** What a self-hosted server of the original allows. */
export const SELF_HOSTED: Partial<Limits> = {
  sockets: 200,
  channels: 100,
  joinsPerSecond: 100,
  eventsPerSecond: 100,
  presenceCalls: 5,
};
