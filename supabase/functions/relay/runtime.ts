/**
 * What the relay needs of a WebSocket: nothing that is not in the web standard, so that Deno, Edge
 * Runtime and workerd can all give it.
 */
export type Socket =
  & Pick<WebSocket, "readyState" | "binaryType" | "send" | "close" | "addEventListener">
  // workerd does not tell how much is unsent.
  & Partial<Pick<WebSocket, "bufferedAmount">>;

/** A WebSocket message as the relay handles it: text, or binary as an ArrayBuffer. */
export type Message = string | ArrayBuffer;

/** `readyState` values of the WebSocket standard, which a Socket type does not carry. */
export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSED = 3;

/** One line of the log: flat JSON, never a token, a key or a query string. */
export type LogLine =
  & { event: string }
  & Record<string, string | number | boolean | string[]>;

/** The port between the relay and the machine that it runs on: an adapter only translates. */
export interface Runtime {
  /**
   * Accepts the upgrade and answers the given subprotocol, or none. The socket is not open yet: it
   * opens after the response was returned.
   */
  upgrade(request: Request, protocol: string | undefined): { socket: Socket; response: Response };
  /** True where only a subprotocol list that is separated by ", " can be answered (Deno 2.1). */
  readonly strictProtocolList: boolean;
  /**
   * True where a timer reaches only the sockets of the request that set it, and a socket's frames
   * only those of the request that opened it (workerd): viewers cannot share one there. Elsewhere one
   * timer serves all sockets: 500 of them every 5 s would cost a worker 8 ms of CPU a second.
   */
  readonly timersPerRequest: boolean;
  /**
   * Begins to open a socket to Realtime; it may still be connecting when it is given back. The
   * signal aborts where that takes too long, and never once the socket is open.
   */
  dial(url: URL, signal: AbortSignal): Socket | Promise<Socket>;
  /** Keeps the worker alive until the promise settles (EdgeRuntime.waitUntil). */
  keepAlive(promise: Promise<unknown>): void;
  /**
   * Calls the listener when the worker is about to end, with the platform's reason: `wall_clock`,
   * `cpu`, `memory`, `early_drop`, `termination`, or `drain`. The promise settles when it may end.
   */
  onShutdown(listener: (reason: string) => Promise<void>): void;
  /** How many sockets a worker of this kind holds, where RELAY_MAX_SOCKETS does not say. */
  readonly maxSockets: number;
  /** Milliseconds since the epoch. */
  now(): number;
  log(line: LogLine): void;
  fetch: typeof fetch;
}
