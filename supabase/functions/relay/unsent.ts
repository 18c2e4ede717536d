import type { Socket } from "./runtime.ts";

/**
 * All sockets of a worker together may hold so many times what one may: 64 MiB by default, of the
 * 256 MB that Edge Runtime gives a worker.
 */
const SHARE = 4;

/** Above that sum a peer is cut off as soon as it lags by this part of its own bound: 1 MiB. */
const LAG = 1 / 16;

/** The sum is counted anew each time that this part of it was sent, not with each message. */
const STEP = 1 / 16;

/** In UTF-8; a UTF-16 unit takes no more (RFC 3629). */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Bounds what peers that do not read make a worker keep: each of them, and all together. Where a
 * runtime does not tell what is unsent (workerd), only single messages are bounded. The sum may be a
 * sixteenth too high, since bytes count as unsent until it is counted anew.
 */
export class Unsent {
  readonly #watched = new Set<Backlog>();
  #counted = 0;
  #sentSince = 0;

  /** `max`: bytes that may wait for one peer. */
  constructor(readonly max: number) {}

  /** Counts the peer in the sum until it is forgotten, which is to be when its socket is closed. */
  watch(backlog: Backlog): void {
    if (backlog.socket.bufferedAmount !== undefined) this.#watched.add(backlog);
  }

  forget(backlog: Backlog): void {
    this.#watched.delete(backlog);
  }

  /** True unless all peers together leave too much unread; the bytes then count as sent. */
  mayAdd(bytes: number): boolean {
    const maxTotal = this.max * SHARE;
    if (this.#sentSince > maxTotal * STEP) this.#count();
    this.#sentSince += bytes;
    return this.#counted + this.#sentSince <= maxTotal;
  }

  #count(): void {
    this.#counted = this.#sentSince = 0;
    for (const { socket } of this.#watched) this.#counted += socket.bufferedAmount ?? 0;
  }
}

/** What waits for one peer. Asking the runtime takes a tenth of a send, so it is asked seldom. */
export class Backlog {
  /** No less than what is unsent, in bytes: what was when the socket was asked, and all sent since. */
  #atMost = 0;

  constructor(readonly unsent: Unsent, readonly socket: Socket) {}

  /** True where the peer may be sent so much more, in bytes or UTF-16 units; it then counts as sent. */
  hasRoom(size: number): boolean {
    const { unsent, socket } = this;
    if (this.#atMost + size * MAX_BYTES_PER_UNIT > unsent.max) {
      this.#atMost = socket.bufferedAmount ?? 0;
      if (this.#atMost + size > unsent.max) return false;
    }
    this.#atMost += size * MAX_BYTES_PER_UNIT;
    return unsent.mayAdd(size) || (socket.bufferedAmount ?? 0) <= unsent.max * LAG;
  }
}
