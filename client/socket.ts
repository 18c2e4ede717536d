import type { Data } from "./frame.ts";

/** What a socket's face stands for. */
export interface Underneath {
  readonly bufferedAmount: number;
  readonly protocol: string;
  /** Returns the address that is dialled. */
  attach(face: RelaySocket, address: URL): string;
  detach(keep: boolean): void;
  push(data: Data): void;
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };
type Options = boolean | { once?: boolean };

/**
 * What realtime-js takes for its socket. It opens with the first socket underneath and stays OPEN
 * while those come and go, until the application closes it. After a refusal is over `open` is
 * repeated: realtime-js then joins again at once what was refused. It needs nothing of the DOM, which
 * React Native's engine has not: its events are plain objects.
 */
export class RelaySocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  /** The relay's address as it is dialled, without a key. */
  readonly url: string;
  readyState = 0;
  /** Frames are read by the session, so Blobs are never handed out. */
  binaryType: BinaryType = "arraybuffer";
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly #connection: Underneath;
  readonly #listeners = new Map<string, Map<Listener, Options | undefined>>();

  constructor(connection: Underneath, address: URL) {
    this.#connection = connection;
    this.url = connection.attach(this, address);
  }

  /** Bytes that wait for a socket underneath; none was given to this one before it is open. */
  get bufferedAmount(): number {
    return this.readyState && this.#connection.bufferedAmount;
  }
  get protocol(): string {
    return this.#connection.protocol;
  }
  readonly extensions = "";

  /** True once somebody can hear what comes. */
  get isHeard(): boolean {
    return !!this.onmessage || this.#listeners.has("message");
  }

  addEventListener(name: string, listener: Listener | null, options?: Options): void {
    const listeners = this.#listeners.get(name) ?? new Map();
    if (listener) this.#listeners.set(name, listeners.set(listener, options));
  }

  removeEventListener(name: string, listener: Listener | null): void {
    if (listener) this.#listeners.get(name)?.delete(listener);
  }

  dispatchEvent(event: Event): boolean {
    const listeners = this.#listeners.get(event.type);
    for (const [listener, options] of [...listeners ?? []]) {
      if (typeof options === "object" && options.once) {
        listeners!.delete(listener);
      }
      attempt(() =>
        typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event)
      );
    }
    return true;
  }

  /**
   * Throws an InvalidStateError while CONNECTING, and a QuotaExceededError for a broadcast without
   * acknowledgement that no longer fits into the queue; other pushes are answered with the error.
   */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.readyState === this.CONNECTING) {
      throw domError("InvalidStateError", "The socket is still connecting.");
    }
    if (this.readyState === this.OPEN) this.#connection.push(toData(data));
  }

  /**
   * Ends the session. Only after realtime-js's own heartbeat timeout, in a page that is put away, and
   * where it was not open yet it is kept for its next socket: newer versions of realtime-js make another
   * one when somebody looks at the page.
   */
  close(code = 1000, reason = ""): void {
    if (this.readyState >= this.CLOSING) return;
    const isUnused = !this.readyState;
    this.readyState = this.CLOSING;
    this.#connection.detach(isUnused || reason === "heartbeat timeout");
    // As WebSocket does: whoever closes a socket may still attach handlers before they are called.
    Promise.resolve().then(() => {
      this.readyState = this.CLOSED;
      this.#emit("close", { code, reason, wasClean: true }, this.onclose);
    });
  }

  /** For the connection: a socket underneath is there. */
  opened(): void {
    if (this.readyState > this.OPEN) return;
    this.readyState = this.OPEN;
    this.#emit("open", {}, this.onopen);
  }

  /** For the connection: a frame for the application. */
  deliver(data: unknown): void {
    if (this.readyState === this.OPEN) {
      this.#emit("message", { data }, this.onmessage);
    }
  }

  #emit<E extends Event>(type: string, more: object, handler: ((event: E) => void) | null): void {
    const event = { type, target: this, currentTarget: this, ...more } as unknown as E;
    attempt(() => handler?.call(this, event));
    this.dispatchEvent(event);
  }
}

/** Runs the application's part. What that throws is reported as uncaught, and stops nothing here. */
export function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** The DOM's error where there is a DOM, and else one of the same name. */
export function domError(name: string, message: string): Error {
  return typeof DOMException === "function"
    ? new DOMException(message, name)
    : Object.assign(new Error(message), { name });
}

function toData(data: string | ArrayBufferLike | Blob | ArrayBufferView): Data {
  if (typeof data === "string") return data;
  if (!("byteLength" in data)) {
    throw new TypeError("Send text or an ArrayBuffer: got a Blob");
  }
  if (!ArrayBuffer.isView(data)) return data as ArrayBuffer;
  const { buffer, byteOffset, byteLength } = data;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
