import { closeOf, closeWhenQuiet } from "../peer/close.ts";
import type { Place, Places } from "../peer/places.ts";
import type { Config } from "../config/config.ts";
import { RelayError, toRelayError } from "../errors.ts";
import { readEnvelope } from "../realtime/envelope.ts";
import { encodeReply } from "../realtime/phoenix.ts";
import { CLOSED, CONNECTING, type Message, OPEN, type Socket } from "../runtime.ts";
import type { Vsn } from "../realtime/upstream.ts";

/** Spreads the reconnects of clients that were refused together. */
const JITTER = 0.2;

/** Nobody waits longer for a refused socket that neither opens nor answers the close. */
const GRACE_MS = 10_000;

/** Who is closed at once makes room for others, who would wait for it. */
const SHORT_GRACE_MS = 2_000;

/** At the end of a worker a close takes a moment, and who does not answer it is not waited for. */
const EMPTY_MS = 1_000;

/** A join and a token for each of Realtime's 100 channels, and heartbeats; who sends more is cut off. */
const MAX_MESSAGES = 256;

/** One for each of Realtime's 100 channels, and some that are tried again. */
const MAX_ANSWERS = 128;

/** In UTF-16 units: 100 joins of 2,500, which is a usual token and more bindings than one page has. */
const MAX_LENGTH = 262_144;

/** Answers to 100 joins have a third of it; what repeats long names would be 800 kB for each socket. */
const MAX_UNREAD_BYTES = 65_536;

/** Refuses sockets after they were accepted, a bounded number at a time. */
export interface Refusals {
  /** Throws `too_many_refusals` where no further socket can wait for its close. */
  check(): void;
  /**
   * A browser shows nothing of an HTTP refusal, so the socket was accepted: each join is answered at
   * once with the reason, nothing else is read, and the socket is closed with the refusal's code
   * after a delay, which keeps clients that reconnect for ever from doing so every second. Who sends
   * more than joins take is closed at once. The promise settles when the socket is closed, or when a
   * peer that does not answer the close is cut, where the host can do that, else given up: its place
   * it has until it is gone. `early` is what the socket has sent already.
   */
  refuse(
    socket: Socket,
    error: RelayError,
    vsn: Vsn,
    early?: readonly Message[],
  ): Promise<void>;
  /** Closes a socket at once, which has this place until it is gone. Settles as refuse() does. */
  close(socket: Socket, error: RelayError, place: Place): Promise<void>;
  /** The worker ends: closes whoever waits now. Settles when they are gone, or after a second. */
  empty(): Promise<void>;
}

/** `report` is told of errors in the relay's own handlers, which end the socket that met them. */
export function createRefusals(
  { refusalMax, refusalDelayMs, maxFrameBytes }: Config,
  places: Places,
  report: (error: RelayError) => void,
): Refusals {
  const closings = new Closings();
  return {
    check() {
      if (places.counts.refused < refusalMax) return;
      throw new RelayError("too_many_refusals", "Too many refused sockets wait for their close.");
    },
    refuse(socket, error, vsn, early = []) {
      // A worker that is ending has no time to keep anybody waiting.
      const base = error.code === "draining" ? 0 : refusalDelayMs;
      const delay = base * (1 - JITTER + 2 * JITTER * Math.random());
      socket.bound?.(Math.min(MAX_LENGTH, maxFrameBytes));
      answerJoins(socket, error, vsn, report, early);
      return closings.closeAfter(delay, socket, error, places.take("refused"), GRACE_MS);
    },
    close: (socket, error, place) => closings.closeAfter(0, socket, error, place, SHORT_GRACE_MS),
    empty: () => closings.empty(),
  };
}

function answerJoins(
  socket: Socket,
  error: RelayError,
  vsn: Vsn,
  report: (error: RelayError) => void,
  early: readonly Message[],
): void {
  let [messages, answers, length] = [MAX_MESSAGES, MAX_ANSWERS, MAX_LENGTH];
  const answer = (message: Message) => {
    if (messages <= 0) return;
    length -= sizeOf(message);
    const isOver = length < 0 || answers === 0 || (socket.bufferedAmount ?? 0) > MAX_UNREAD_BYTES;
    messages = isOver ? 0 : messages - 1;
    if (messages === 0) return closeWhenQuiet(socket, closeOf(error));
    const frame = typeof message === "string" ? readEnvelope(vsn, message)?.frame : undefined;
    if (frame?.event !== "phx_join" || socket.readyState !== OPEN) return;
    answers--;
    socket.send(encodeReply(vsn, frame, "error", { reason: error.reason }));
  };
  const take = (message: Message) => {
    try {
      answer(message);
    } catch (thrown) {
      messages = 0;
      const internal = toRelayError(thrown);
      report(internal);
      closeWhenQuiet(socket, closeOf(internal));
    }
  };
  early.forEach(take);
  socket.addEventListener("message", ({ data }) => take(data));
}

/** Sockets that wait for their close, and what closes each of them sooner. */
class Closings {
  readonly #waiting = new Map<Promise<void>, () => void>();
  #isEnding = false;

  closeAfter(
    delay: number,
    socket: Socket,
    error: RelayError,
    place: Place,
    grace: number,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const close = () => closeWhenQuiet(socket, closeOf(error));
    const giveUp = () => {
      // One that never opened, or was gone before anybody listened, tells no end.
      if (socket.readyState === CONNECTING || socket.readyState === CLOSED) place.leave();
      else socket.terminate?.();
      resolve();
    };
    const timers = [setTimeout(giveUp, delay + grace)];
    const wait = () => timers.push(setTimeout(close, this.#isEnding ? 0 : delay));
    if (socket.readyState === CONNECTING) socket.addEventListener("open", wait, { once: true });
    else wait();
    socket.addEventListener("close", () => {
      place.leave();
      resolve();
    }, { once: true });
    const gone = promise.finally(() => {
      timers.forEach(clearTimeout);
      this.#waiting.delete(gone);
    });
    this.#waiting.set(gone, close);
    return gone;
  }

  async empty(): Promise<void> {
    this.#isEnding = true;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, EMPTY_MS);
    for (const close of this.#waiting.values()) close();
    await Promise.race([Promise.all(this.#waiting.keys()), late.promise]);
    clearTimeout(timer);
  }
}

function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}
