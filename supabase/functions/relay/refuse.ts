import { closeOf, closeWhenQuiet } from "./close.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import { encodeReply, parseFrame } from "./phoenix.ts";
import { type Message, OPEN, type Socket } from "./runtime.ts";
import type { Vsn } from "./upstream.ts";

/** Spreads the reconnects of clients that were refused together. */
const JITTER = 0.2;

/** A refused socket that neither opens nor answers the close gives up its place after this. */
const GRACE_MS = 10_000;

/** A join and a token for each of Realtime's 100 channels, and heartbeats; who sends more is cut off. */
const MAX_MESSAGES = 256;

/** A join with a token of 8 kB and some bindings; whoever sends more at once wants no answer. */
const MAX_MESSAGE_LENGTH = 65_536;

/** Refuses sockets after they were accepted, a bounded number at a time. */
export interface Refusals {
  /** Throws `too_many_refusals` where no further socket can wait for its close. */
  check(): void;
  /**
   * A browser shows nothing of an HTTP refusal, so the socket was accepted: each join is answered at
   * once with the reason, nothing else is read, and the socket is closed with the refusal's code
   * after a delay, which keeps clients that reconnect for ever from doing so every second. Who sends
   * more than joins take is closed at once. The promise settles when the socket is closed.
   */
  refuse(socket: Socket, error: RelayError, vsn: Vsn): Promise<void>;
}

export function createRefusals({ refusalMax, refusalDelayMs }: Config): Refusals {
  let waiting = 0;
  return {
    check() {
      if (waiting < refusalMax) return;
      throw new RelayError("too_many_refusals", "Too many refused sockets wait for their close.");
    },
    refuse(socket, error, vsn) {
      waiting++;
      // A worker that is ending has no time to keep anybody waiting.
      const base = error.code === "draining" ? 0 : refusalDelayMs;
      const delay = base * (1 - JITTER + 2 * JITTER * Math.random());
      return answerAndClose(socket, error, vsn, delay).finally(() => waiting--);
    },
  };
}

function answerAndClose(socket: Socket, error: RelayError, vsn: Vsn, delay: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const close = () => closeWhenQuiet(socket, closeOf(error));
  const timers = [setTimeout(resolve, delay + GRACE_MS)];
  let left = MAX_MESSAGES;
  socket.addEventListener("message", ({ data }) => {
    if (left === 0) return;
    left = sizeOf(data) > MAX_MESSAGE_LENGTH ? 0 : left - 1;
    if (left === 0) return close();
    const frame = typeof data === "string" ? parseFrame(vsn, data) : undefined;
    if (frame?.event !== "phx_join" || socket.readyState !== OPEN) return;
    socket.send(encodeReply(vsn, frame, "error", { reason: error.reason }));
  });
  socket.addEventListener("open", () => timers.push(setTimeout(close, delay)), { once: true });
  socket.addEventListener("close", () => resolve(), { once: true });
  return promise.finally(() => timers.forEach(clearTimeout));
}

function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}
