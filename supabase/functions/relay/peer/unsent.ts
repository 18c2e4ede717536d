import type { Socket } from "../runtime.ts";

/**
 * All peers of a worker together may make it keep so many times what one may: 64 MiB by default, of
 * the 256 MB that Edge Runtime gives a worker.
 */
const SHARE = 4;

/** Above that sum a peer is cut off as soon as it lags by this part of its own bound: 1 MiB. */
const LAG = 1 / 16;

/** The sum is counted anew each time that this part of it was sent, not with each message. */
const STEP = 1 / 16;

/** Others wait for what one peer has not read for no longer than this. */
const PATIENCE_MS = 250;

/** In UTF-8; a UTF-16 unit takes no more (RFC 3629). */
const MAX_BYTES_PER_UNIT = 3;

/** What of a socket tells how its peer reads. */
type Peer = Pick<Socket, "readyState" | "bufferedAmount">;

/** What is unsent to some peers, never less than it is: bytes count until all is counted anew. */
class Tally {
  #counted = 0;
  #sentSince = 0;

  constructor(readonly max: number) {}

  add(bytes: number): void {
    this.#sentSince += bytes;
  }

  get atMost(): number {
    return this.#counted + this.#sentSince;
  }

  /** True where so much was sent since that a new count is worth its price. */
  get isOld(): boolean {
    return this.#sentSince > this.max * STEP;
  }

  count(backlogs: Iterable<Backlog>): void {
    this.#counted = this.#sentSince = 0;
    for (const { bytes } of backlogs) this.#counted += bytes;
  }
}

/** What a peer had left unread when that last fell, and when. */
interface Lag {
  bytes: number;
  since: number;
}

/**
 * Bounds what peers make a worker keep: each of them, and all together. Peers that can be made to
 * wait, which are the hub's viewers, have no more under way between them than one may have; then
 * they wait, but for nobody who has stopped reading. The others are cut off where they do not read.
 * Where a runtime does not tell what is unsent (workerd), only single messages are bounded.
 */
export class Unsent {
  readonly #watched = new Set<Backlog>();
  readonly #paced = new Map<Backlog, Lag>();
  readonly #all: Tally;
  readonly #underWay: Tally;
  #kept = 0;
  #wasFull = false;
  #lookedAt = 0;

  /** `max`: bytes that may wait for one peer. */
  constructor(readonly max: number) {
    this.#all = new Tally(max * SHARE);
    this.#underWay = new Tally(max);
  }

  /** Counts the peer in the sum until it is forgotten, which is to be when its socket is closed. */
  watch(backlog: Backlog): void {
    if (backlog.socket.bufferedAmount !== undefined) this.#watched.add(backlog);
  }

  forget(backlog: Backlog): void {
    this.#watched.delete(backlog);
    this.#paced.delete(backlog);
  }

  /**
   * The peer can wait: what is under way to it counts among what is to those who can. One that was
   * forgotten is not taken up again: frames may still come for it before its channels are left.
   */
  pace(backlog: Backlog): void {
    if (this.#paced.has(backlog) || !this.#watched.has(backlog)) return;
    this.#paced.set(backlog, { bytes: Infinity, since: 0 });
  }

  /** True unless all peers together make the worker keep too much; the bytes then count as sent. */
  mayAdd(bytes: number, backlog: Backlog): boolean {
    if (this.#paced.has(backlog)) this.#underWay.add(bytes);
    if (this.#all.isOld) this.#all.count(this.#watched);
    this.#all.add(bytes);
    return this.#all.atMost + this.#kept <= this.#all.max;
  }

  /** True where half of what all peers together may make the worker keep is taken. */
  get isCrowded(): boolean {
    return (this.#all.atMost + this.#kept) * 2 > this.#all.max;
  }

  /** True where those who can wait have room for so much more between them. */
  hasRoom(bytes: number): boolean {
    const sum = this.#underWay;
    if (sum.atMost + bytes > sum.max && sum.isOld) sum.count(this.#paced.keys());
    const hasRoom = sum.atMost === 0 || sum.atMost + bytes <= sum.max;
    if (!hasRoom) this.#wasFull = true;
    return hasRoom;
  }

  /**
   * Counts anew what is under way to those who can wait, which falls as they read; to be called every
   * few milliseconds while somebody waits. Who has stopped reading is waited for no longer.
   */
  look(now: number): void {
    if (!this.#wasFull && now - this.#lookedAt < PATIENCE_MS) return;
    this.#wasFull = false;
    this.#lookedAt = now;
    for (const [backlog, lag] of this.#paced) {
      const { bytes } = backlog;
      if (bytes === 0 || bytes < lag.bytes) {
        Object.assign(lag, { bytes: bytes || Infinity, since: now });
      } else if (now - lag.since >= PATIENCE_MS) this.#paced.delete(backlog);
    }
    this.#underWay.count(this.#paced.keys());
  }

  /** Takes so much of the worker's memory for what the relay itself keeps; false where it is full. */
  take(bytes: number): boolean {
    if (this.#all.isOld) this.#all.count(this.#watched);
    if (this.#kept + bytes + this.#all.atMost > this.#all.max) return false;
    this.#kept += bytes;
    return true;
  }

  /** Gives back what take() took. */
  give(bytes: number): void {
    this.#kept -= bytes;
  }
}

/**
 * What whoever has to wait for a moment may make the relay keep beside the sum of all: others who fill
 * that keep nobody out who sends a join and its token.
 */
export const SPARE_BYTES = 16_384;

/** A sum that is bounded, and what is taken of it and given back. */
export type Sum = Pick<Unsent, "take" | "give" | "max">;

/** What the relay keeps for one peer, or one channel: bounded by itself and in a sum, that of all peers. */
export class Kept implements Sum {
  #bytes = 0;

  /**
   * `max`: bytes of its own, by default what one peer may have unsent. `spare`: the first so many of
   * them are not in the sum.
   */
  constructor(
    readonly sum: Sum,
    readonly max = sum.max,
    readonly spare = 0,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes so many bytes; returns false, and takes nothing, where that is too much. */
  take(bytes: number): boolean {
    const after = this.#bytes + bytes;
    if (after > this.max) return false;
    const more = this.#inSum(after) - this.#inSum(this.#bytes);
    if (more > 0 && !this.sum.take(more)) return false;
    this.#bytes = after;
    return true;
  }

  give(bytes: number): void {
    const after = this.#bytes - bytes;
    this.sum.give(this.#inSum(this.#bytes) - this.#inSum(after));
    this.#bytes = after;
  }

  #inSum(bytes: number): number {
    return Math.max(0, bytes - this.spare);
  }
}

/** What waits for one peer. Asking the runtime takes a tenth of a send, so it is asked seldom. */
export class Backlog {
  /** No less than what is unsent, in bytes: what was when the socket was asked, and all sent since. */
  #atMost = 0;

  constructor(readonly unsent: Unsent, readonly socket: Peer) {}

  /** Bytes that are not sent yet. */
  get bytes(): number {
    return this.socket.bufferedAmount ?? 0;
  }

  /** True where the peer may be sent so much more, in bytes or UTF-16 units; it then counts as sent. */
  hasRoom(size: number): boolean {
    const { unsent } = this;
    if (this.#atMost + size * MAX_BYTES_PER_UNIT > unsent.max) {
      this.#atMost = this.bytes;
      if (this.#atMost + size > unsent.max) return false;
    }
    this.#atMost += size * MAX_BYTES_PER_UNIT;
    return unsent.mayAdd(size, this) || this.bytes <= unsent.max * LAG;
  }

  /**
   * True where the peer has read enough to be sent so much more without others having to wait for it:
   * nothing larger than a sixteenth of its bound beside what is under way, and all who are asked this
   * have no more than one peer's bound under way together.
   */
  isReady(size: number): boolean {
    const { unsent } = this;
    const lag = unsent.max * LAG;
    if (this.#atMost + size * MAX_BYTES_PER_UNIT > lag) {
      this.#atMost = this.bytes;
      if (this.#atMost > 0 && this.#atMost + size > lag) return false;
    }
    unsent.pace(this);
    return unsent.hasRoom(size);
  }
}
