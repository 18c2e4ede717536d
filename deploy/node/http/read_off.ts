import type { IncomingMessage } from "node:http";

/** What is read of one body, at most. A piece costs as much as so many bytes. */
const MOST_BYTES = 1 << 26;
const LEAST_PIECE_BYTES = 4_096;

/** A slow client needs as long for 4 MB at 1 Mbit/s. */
const MOST_MS = 30_000;

/**
 * Reads off what is left of a body behind its answer, and keeps nothing of it: a connection that is
 * closed before is broken for a client that sends all before it reads (RFC 9112, 9.6). How many at once
 * is bounded by the connections that there are. What is longer or slower is cut.
 */
export function readOff(message: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = MOST_BYTES;
    const cut = () => void message.destroy();
    const timer = setTimeout(cut, MOST_MS);
    const over = () => {
      clearTimeout(timer);
      resolve();
    };
    message.once("end", over).once("close", over);
    message.removeAllListeners("data").on("data", ({ length }) => {
      left -= Math.max(length, LEAST_PIECE_BYTES);
      if (left < 0) cut();
    }).resume();
  });
}
