/**
 * What the relay needs of a WebSocket: nothing that is not in the web standard, so that Deno, Edge
 * Runtime and workerd can all give it.
 */
export type Socket =
  & Pick<WebSocket, "readyState" | "binaryType" | "send" | "close" | "addEventListener">
  // workerd does not tell how much is unsent.
  & Partial<Pick<WebSocket, "bufferedAmount">>
  & {
    /**
     * Cuts the connection of a peer that does not answer its close; a `close` event follows. Deno, Edge
     * Runtime and workerd cannot: there such a peer keeps its place until it leaves.
     */
    terminate?(): void;
    /**
     * Ends its peer as `too_big` at the head of a message of more bytes, before any of it is kept.
     * Default: RELAY_MAX_FRAME_BYTES. Elsewhere messages are put together first, up to 64 MiB.
     */
    bound?(bytes: number): void;
    /**
     * Takes no more from its peer while much of what came waits unsent for `reader`, and goes on when
     * that has read it; tells `listener` of a reader that has stopped. Elsewhere only the bound on what
     * is unsent holds: who reads more slowly than Realtime sends is cut off there.
     */
    paceBy?(reader: Socket, listener: { onUnread(): void }): void;
  };

/** A WebSocket message as the relay handles it: text, or binary as an ArrayBuffer. */
export type Message = string | ArrayBuffer;

/** A close frame: code and reason (RFC 6455, 5.5.1). */
export interface Close {
  code: number;
  reason: string;
}

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
   * True where an upgrade is completed only for the value `websocket`, in small letters (Edge Runtime:
   * to others it answers 502 when all is done). Default: false.
   */
  readonly strictUpgradeValue?: boolean;
  /**
   * True where a timer reaches only the sockets of the request that set it, and a socket's frames
   * only those of the request that opened it (workerd): viewers cannot share one there. Elsewhere one
   * timer serves all sockets: 500 of them every 5 s would cost a worker 8 ms of CPU a second.
   */
  readonly timersPerRequest: boolean;
  /**
   * Begins to open a socket to Realtime; it may still be connecting when it is given back. The
   * signal, for who asks for one, aborts where that takes too long, and never once the socket is open.
   */
  dial(url: URL, signal: () => AbortSignal): Socket | Promise<Socket>;
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
