/** What a client's work costs a worker, in microseconds of CPU: about what it was measured to take. */
export const PRICE = {
  /** A message, received, judged and sent on; 11 to 16 of 300 bytes. */
  frame: 20,
  /** A byte of it, or a UTF-16 unit: 0.002 of ASCII, 0.017 of text that takes three bytes a unit. */
  passed: 0.012,
  /** A unit of JSON that is looked at and not parsed: 0.001 in long strings, 0.013 in brackets. */
  scanned: 0.010,
  /** A byte of JSON that becomes objects, and text again. */
  parsed: 0.05,
  /**
   * A join that goes upstream. Realtime's joins are scarcer than this worker's time: at the default
   * share 10 a second, and 180 at once, which restores a socket of 100 channels and leaves the tenant's
   * rate, 100 a second, to others.
   */
  join: 10_000,
  /** A signature that is checked. */
  check: 1_000,
} as const;

/** The account of a client holds what so many seconds bring in: a page that reconnects is a burst. */
const BURST_S = 20;

/**
 * This part of a full account is for messages: who is told that it joins too much may still speak, and
 * is not closed for its next heartbeat.
 */
const RESERVE = 1 / 10;

/** One percent of a core, in microseconds a second. */
const PERCENT = 10_000;

/** The account of one client, in microseconds of CPU; `share` is in percent of a core. */
export function openAccount(share: number, now: () => number): Bucket {
  return new Bucket(share * PERCENT, share * PERCENT * BURST_S, now);
}

/** Allows `perSecond` on average and `burst` at once. */
export class Bucket {
  #tokens: number;
  #last: number;

  constructor(readonly perSecond: number, readonly burst: number, readonly now: () => number) {
    this.#tokens = burst;
    this.#last = now();
  }

  /** Takes so many, where enough is left for other work besides. */
  takeSpare(count: number): boolean {
    return this.take(count, this.burst * RESERVE);
  }

  /** Takes one, or so many; returns false, and takes nothing, where less than `rest` would be left. */
  take(count = 1, rest = 0): boolean {
    const time = this.now();
    // A clock may be set back.
    const passed = Math.max(0, time - this.#last);
    this.#last = time;
    this.#tokens = Math.min(this.burst, this.#tokens + passed * this.perSecond / 1000);
    if (this.#tokens - count < rest) return false;
    this.#tokens -= count;
    return true;
  }
}
