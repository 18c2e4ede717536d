import type { Close } from "./close.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import { CONNECTING, type Message, type Runtime, type Socket } from "./runtime.ts";

/** Who takes what Realtime sends. */
export interface Listener {
  onMessage(message: Message): void;
  onClose(close: Close): void;
}

/** An open socket to Realtime, which keeps what arrives until somebody listens. */
export interface Upstream {
  readonly socket: Socket;
  /** Hands over every message, the early ones first, and the close. To be called once. */
  listen(listener: Listener): void;
}

/**
 * Opens the socket to Realtime before the client's upgrade, so that a client is only let in where
 * somebody answers. Throws `upstream_refused` or, after the configured time, `upstream_timeout`.
 */
export async function dialUpstream(config: Config, url: URL, runtime: Runtime): Promise<Upstream> {
  const dialling = new AbortController();
  const { signal } = dialling;
  const timer = setTimeout(() => dialling.abort(), config.dialTimeoutMs);
  try {
    return await opened(await runtime.dial(url, signal), signal);
  } catch (cause) {
    if (signal.aborted) {
      throw new RelayError("upstream_timeout", "Realtime did not answer.");
    }
    throw new RelayError("upstream_refused", "Realtime refused the connection.", { cause });
  } finally {
    // workerd would cut the open socket off by the signal that it was fetched with.
    clearTimeout(timer);
  }
}

/** Resolves when the socket is open. */
function opened(socket: Socket, signal: AbortSignal): Promise<Upstream> {
  const { promise, resolve, reject } = Promise.withResolvers<Upstream>();
  const upstream = new Dialled(socket);
  socket.addEventListener("open", () => resolve(upstream), { once: true });
  socket.addEventListener("error", (event) => reject(new Error((event as ErrorEvent).message)));
  socket.addEventListener("close", ({ code }) => {
    reject(new Error(`closed before it opened (${code})`));
  }, { once: true });
  signal.addEventListener("abort", () => {
    reject(new Error("not opened in time"));
    // Deno 2.1 reports nothing when a socket that is still connecting is closed.
    if (socket.readyState === CONNECTING) socket.close();
  }, { once: true });
  return promise;
}

/** Deno 2.1 delivers messages, or a close, before whoever awaits the opening runs on. */
class Dialled implements Upstream {
  #listener: Listener | undefined;
  #early: Message[] | undefined;
  #ended: Close | undefined;

  constructor(readonly socket: Socket) {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (this.#listener) this.#listener.onMessage(data);
      else (this.#early ??= []).push(data);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#ended = { code, reason };
      this.#listener?.onClose(this.#ended);
    }, { once: true });
  }

  listen(listener: Listener): void {
    this.#listener = listener;
    this.#early?.forEach((message) => listener.onMessage(message));
    this.#early = undefined;
    if (this.#ended) listener.onClose(this.#ended);
  }
}
