/**
 * The browser side: what supabase-js takes as `realtime.transport` to reach Realtime through the
 * relay. It knows web standards only and needs no other module.
 *
 * ```ts
 * const transport = relayTransport({ relay, token: () => session?.access_token ?? null });
 * const supabase = createClient(url, publishableKey, { realtime: { transport } });
 * ```
 * @module
 */

export interface RelayTransportOptions {
  /** The relay, such as `https://abc.supabase.co/functions/v1/relay`; http(s) or ws(s). */
  relay: string | URL;
  /**
   * The user's access token, asked for at each connect; null, and the default, is an anonymous
   * viewer. It travels as a subprotocol, so it is in no URL and no access log.
   */
  token?: () => string | null | undefined | Promise<string | null | undefined>;
}

/** A class shaped like WebSocket, for `realtime.transport` of createClient(). */
export type RelayTransport = new (address: string | URL) => RelaySocket;

/** Makes the transport. Throws a TypeError for a relay that is not an http(s) or ws(s) URL. */
export function relayTransport({ relay, token }: RelayTransportOptions): RelayTransport {
  const base = socketUrl(relay);
  return class extends RelaySocket {
    constructor(address: string | URL) {
      super(base, new URL(address), token ?? (() => null));
    }
  };
}

/** Asks the relay to answer this name instead of the token entry. */
const PROTOCOL = "realtime-relay.v1";

/** What the relay takes of realtime-js's query; the key only for viewers without a token. */
const FORWARDED = ["vsn", "log_level"];

/**
 * One socket to the relay. It is CONNECTING while the token is awaited, and from then on is the
 * WebSocket below it. A token() that throws ends it like a refused connection: `error`, then `close`.
 */
export class RelaySocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  readonly url: string;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;

  #socket: WebSocket | undefined;
  #binaryType: BinaryType = "blob";
  #closed = false;

  constructor(relay: URL, address: URL, token: () => unknown) {
    super();
    const url = withQuery(relay, address.searchParams);
    this.url = url.href;
    this.#connect(url, address.searchParams.get("apikey"), token);
  }

  get readyState(): number {
    if (this.#closed) return this.CLOSED;
    return this.#socket?.readyState ?? this.CONNECTING;
  }
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }
  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }
  get extensions(): string {
    return this.#socket?.extensions ?? "";
  }
  get binaryType(): BinaryType {
    return this.#binaryType;
  }
  set binaryType(type: BinaryType) {
    this.#binaryType = type;
    if (this.#socket) this.#socket.binaryType = type;
  }

  /** Throws an InvalidStateError while the socket is CONNECTING, as WebSocket does. */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (!this.#socket) {
      throw new DOMException("The socket is still connecting.", "InvalidStateError");
    }
    this.#socket.send(data as string);
  }

  close(code?: number, reason?: string): void {
    if (this.#socket) this.#socket.close(code, reason);
    else this.#end("The socket was closed before it was opened.");
  }

  async #connect(url: URL, apikey: string | null, token: () => unknown): Promise<void> {
    try {
      const jwt = await token();
      if (this.#closed) return;
      if (!jwt && apikey) url.searchParams.set("apikey", apikey);
      this.#open(new WebSocket(url, jwt ? [PROTOCOL, `jwt-${jwt}`] : [PROTOCOL]));
    } catch (error) {
      // Not the error's text: a token may be in it.
      this.#end(`The socket could not be opened: ${(error as Error)?.name ?? "error"} in token().`);
    }
  }

  #open(socket: WebSocket): void {
    this.#socket = socket;
    socket.binaryType = this.#binaryType;
    socket.onopen = () => this.#emit(new Event("open"), this.onopen);
    socket.onerror = () => this.#emit(new Event("error"), this.onerror);
    socket.onmessage = ({ data }) => {
      this.#emit(new MessageEvent("message", { data }), this.onmessage);
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      this.#emit(new CloseEvent("close", { code, reason, wasClean }), this.onclose);
    };
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    // As WebSocket does: whoever closes a socket may still attach handlers before they are called.
    queueMicrotask(() => {
      this.#emit(new Event("error"), this.onerror);
      this.#emit(new CloseEvent("close", { code: 1006, reason }), this.onclose);
    });
  }

  #emit<E extends Event>(event: E, handler: ((event: E) => void) | null): void {
    handler?.call(this, event);
    this.dispatchEvent(event);
  }
}

function socketUrl(relay: string | URL): URL {
  const url = new URL(relay);
  url.protocol = url.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(url.protocol)) {
    throw new TypeError(`The relay's URL must be http(s) or ws(s): got ${url.protocol}//`);
  }
  url.pathname = url.pathname.replace(/(\/websocket)?\/*$/, "/websocket");
  return url;
}

function withQuery(relay: URL, query: URLSearchParams): URL {
  const url = new URL(relay);
  for (const name of FORWARDED) {
    const value = query.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  return url;
}
