import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import type { Awake } from "../peer/awake.ts";
import type { Batch } from "../peer/batch.ts";
import type { Frame } from "./phoenix.ts";
import { type Close, CONNECTING, type Message, type Runtime, type Socket } from "../runtime.ts";

/** How a client reads what it is sent. */
export interface Reader {
  /** Bytes that it has not read, as far as the runtime tells. */
  readonly bytes: number;
  /** Whether it may be sent so many more, in bytes or UTF-16 units, without others having to wait. */
  isReady(size: number): boolean;
}

/** Who takes what Realtime sends. */
export interface Listener {
  /** For whoever can make a client wait; who cannot sends all. */
  readonly reader?: Reader;
  onMessage(message: Message): void;
  /** For a client that takes several frames in a message; absent for others. */
  readonly onBatch?: (batch: Batch) => void;
  onClose(close: Close): void;
  /** The client does not read, and is to be cut off. */
  onUnread?(): void;
}

/** An open socket to Realtime, or what stands in for one; keeps what arrives until somebody listens. */
export interface Upstream {
  readonly socket: Pick<Socket, "readyState" | "bufferedAmount" | "close" | "paceBy">;
  /** Sends a message that was judged; `frame` is what the judge saw in it. */
  send(message: Message, frame: Frame): void;
  /** Hands over every message, the early ones first, and the close. To be called once. */
  listen(listener: Listener): void;
}

/**
 * Opens the socket to Realtime before the client's upgrade, so that a client is only let in where
 * somebody answers. Throws `upstream_refused` or, after the configured time, `upstream_timeout`.
 */
export async function dialUpstream(
  config: Config,
  url: URL,
  runtime: Runtime,
  awake: Pick<Awake, "after">,
): Promise<Dialled> {
  let abort: AbortController | undefined;
  const late = { isLate: false, onLate: () => {} };
  const stop = awake.after(config.dialTimeoutMs, () => {
    late.isLate = true;
    abort?.abort();
    late.onLate();
  });
  try {
    const socket = runtime.dial(url, () => (abort ??= new AbortController()).signal);
    return await opened(await socket, late);
  } catch (cause) {
    if (late.isLate) {
      throw new RelayError("upstream_timeout", "Realtime did not answer.");
    }
    throw new RelayError("upstream_refused", "Realtime refused the connection.", { cause });
  } finally {
    // workerd would cut the open socket off by the signal that it was fetched with.
    stop();
  }
}

/** Resolves when the socket is open; rejects when `late` is told that it takes too long. */
function opened(socket: Socket, late: { onLate(): void }): Promise<Dialled> {
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const upstream = new Dialled(socket);
  socket.addEventListener("open", () => resolve(upstream), { once: true });
  socket.addEventListener("error", (event) => reject(new Error((event as ErrorEvent).message)));
  socket.addEventListener("close", ({ code }) => {
    reject(new Error(`closed before it opened (${code})`));
  }, { once: true });
  late.onLate = () => {
    reject(new Error("not opened in time"));
    // Deno 2.1 reports nothing when a socket that is still connecting is closed.
    if (socket.readyState === CONNECTING) socket.close();
  };
  return promise;
}

/** What a socket whose message could not be handled is said to have ended with. */
const FAILED: Close = { code: 1011, reason: "" };

/**
 * A socket of Realtime's. Deno 2.1 delivers messages, or a close, before whoever awaits the opening
 * runs on.
 */
export class Dialled implements Upstream {
  #listener: Listener | undefined;
  #early: Message[] | undefined;
  #ended: Close | undefined;

  constructor(readonly socket: Socket) {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (this.#listener) this.#take(data);
      else (this.#early ??= []).push(data);
    });
    socket.addEventListener("close", (close) => this.#end(close), { once: true });
  }

  send(message: Message): void {
    this.socket.send(message);
  }

  listen(listener: Listener): void {
    this.#listener = listener;
    this.#early?.forEach((message) => this.#take(message));
    this.#early = undefined;
    if (this.#ended) listener.onClose(this.#ended);
  }

  /** Whatever goes wrong over one message ends this socket: thrown further it would end the worker. */
  #take(message: Message): void {
    if (this.#ended) return;
    try {
      this.#listener!.onMessage(message);
    } catch {
      this.socket.close();
      this.#end(FAILED);
    }
  }

  #end({ code, reason }: Close): void {
    if (this.#ended) return;
    this.#ended = { code, reason };
    this.#listener?.onClose(this.#ended);
  }
}
