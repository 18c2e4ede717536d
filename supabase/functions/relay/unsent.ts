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

/** Bounds what peers that do not read make a worker keep: each of them, and all together. */
export interface Unsent {
  /** Bytes that may wait for one peer. */
  readonly max: number;
  /** Counts the socket until it is closed: a peer that never reads holds memory until then. */
  watch(socket: Socket): void;
  /** True where the socket may be given so many bytes more; then they count as sent. */
  hasRoom(socket: Socket, bytes: number): boolean;
}

/**
 * Where a runtime does not tell what is unsent (workerd), only single messages are bounded. The sum
 * may be a sixteenth too high, since bytes count as unsent until it is counted anew.
 */
export function createUnsent(max: number): Unsent {
  const sockets = new Set<Socket>();
  const maxTotal = max * SHARE;
  let counted = 0;
  let sentSince = 0;

  function count(): void {
    counted = 0;
    sentSince = 0;
    for (const { bufferedAmount = 0 } of sockets) counted += bufferedAmount;
  }

  return {
    max,
    watch(socket) {
      if (socket.bufferedAmount === undefined) return;
      sockets.add(socket);
      socket.addEventListener("close", () => sockets.delete(socket), { once: true });
    },
    hasRoom({ bufferedAmount = 0 }, bytes) {
      if (bufferedAmount + bytes > max) return false;
      if (sentSince > maxTotal * STEP) count();
      sentSince += bytes;
      return counted + sentSince <= maxTotal || bufferedAmount <= max * LAG;
    },
  };
}
