import type { Close } from "./close.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import { CONNECTING, type Message, type Runtime, type Socket } from "./runtime.ts";

/** An open socket to Realtime, which keeps what arrives until somebody listens. */
export interface Upstream {
  socket: Socket;
  /** Hands over every message, the early ones first, and the close. To be called once. */
  listen(onMessage: (message: Message) => void, onClose: (close: Close) => void): void;
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

/** Deno 2.1 delivers messages, or a close, before whoever awaits the opening runs on. */
function opened(socket: Socket, signal: AbortSignal): Promise<Upstream> {
  const { promise, resolve, reject } = Promise.withResolvers<Upstream>();
  const early: Message[] = [];
  let ended: Close | undefined;
  let onMessage = (message: Message): void => void early.push(message);
  let onClose = (close: Close): void => void (ended = close);
  function listen(message: typeof onMessage, close: typeof onClose): void {
    onMessage = message;
    onClose = close;
    early.forEach(message);
    if (ended) close(ended);
  }

  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => onMessage(data));
  socket.addEventListener("open", () => resolve({ socket, listen }), {
    once: true,
  });
  socket.addEventListener("error", (event) => reject(new Error((event as ErrorEvent).message)));
  socket.addEventListener("close", ({ code, reason }) => {
    reject(new Error(`closed before it opened (${code})`));
    onClose({ code, reason });
  }, { once: true });
  signal.addEventListener("abort", () => {
    reject(new Error("not opened in time"));
    // Deno 2.1 reports nothing when a socket that is still connecting is closed.
    if (socket.readyState === CONNECTING) socket.close();
  }, { once: true });
  return promise;
}
