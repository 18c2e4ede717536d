import type { Data } from "./frame.ts";

/** What a socket's face stands for. */
export interface Underneath {
  readonly bufferedAmount: number;
  readonly protocol: string;
  /** Returns the address that is dialled. */
  attach(face: RelaySocket, address: URL): string;
  detach(face: RelaySocket, keep: boolean): void;
  push(data: Data): void;
}

/**
 * What realtime-js takes for its socket. It opens with the first socket underneath and stays OPEN
 * while those come and go, until the application closes it. After a refusal is over `open` is
 * repeated: realtime-js then joins again at once what was refused.
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

  constructor(connection: Underneath, address: URL) {
    super();
    this.#connection = connection;
    this.url = connection.attach(this, address);
  }

  /** Bytes that wait for a socket underneath. */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }
  get protocol(): string {
    return this.#connection.protocol;
  }
  readonly extensions = "";

  /**
   * Throws an InvalidStateError while CONNECTING, and a QuotaExceededError for a broadcast without
   * acknowledgement that no longer fits into the queue; other pushes are answered with the error.
   */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.readyState === this.CONNECTING) {
      throw new DOMException("The socket is still connecting.", "InvalidStateError");
    }
    if (this.readyState !== this.OPEN) return;
    if (data instanceof Blob) throw new TypeError("Send text or an ArrayBuffer: got a Blob");
    this.#connection.push(toData(data));
  }

  /** Ends the session. Only after realtime-js's own heartbeat timeout it is kept for its next socket. */
  close(code = 1000, reason = ""): void {
    if (this.readyState >= this.CLOSING) return;
    this.readyState = this.CLOSING;
    this.#connection.detach(this, reason === "heartbeat timeout");
    // As WebSocket does: whoever closes a socket may still attach handlers before they are called.
    queueMicrotask(() => {
      this.readyState = this.CLOSED;
      // Node 22 has no CloseEvent.
      const event = Object.assign(new Event("close"), { code, reason, wasClean: true });
      this.#emit(event as CloseEvent, this.onclose);
    });
  }

  /** For the connection: a socket underneath is there. */
  opened(): void {
    this.readyState = this.OPEN;
    this.#emit(new Event("open"), this.onopen);
  }

  /** For the connection: a frame for the application. */
  deliver(data: unknown): void {
    if (this.readyState === this.OPEN) {
      this.#emit(new MessageEvent("message", { data }), this.onmessage);
    }
  }

  #emit<E extends Event>(event: E, handler: ((event: E) => void) | null): void {
    handler?.call(this, event);
    this.dispatchEvent(event);
  }
}

function toData(data: string | ArrayBufferLike | ArrayBufferView): Data {
  if (typeof data === "string") return data;
  if (!ArrayBuffer.isView(data)) return data as ArrayBuffer;
  const { buffer, byteOffset, byteLength } = data;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
