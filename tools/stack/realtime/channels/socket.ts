/** One client's socket: frames in, in order, and frames out, in the version that it speaks. */
import { Buffer } from "node:buffer";
import { type Log, reasonOf } from "../../log.ts";
import type { Limits } from "../limits.ts";
import { jsonFrame, type Outgoing } from "../wire/frame.ts";
import { decodeBinary, decodeText, type Message, type Vsn } from "../wire/message.ts";

/** Frames that may wait while one is handled; who sends more does not wait for answers. */
const MAX_WAITING = 10_000;

interface SocketOptions {
  vsn: Vsn;
  limits: Limits;
  log: Log;
  /** Handles a message; the next one waits until it has. */
  onMessage: (message: Message) => void | Promise<void>;
  /** Called when nothing more goes in or out. */
  onEnd: () => void;
}

export class ClientSocket {
  #options: SocketOptions;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #idle?: ReturnType<typeof setTimeout>;
  #closed = Promise.withResolvers<void>();

  constructor(readonly web: WebSocket, options: SocketOptions) {
    this.#options = options;
    web.binaryType = "arraybuffer";
    web.onopen = () => this.#awaitIdle();
    web.onmessage = ({ data }) => this.#receive(data);
    // A lost peer is an error first, and then a close.
    web.onerror = () => {};
    web.onclose = () => this.#end();
  }

  /** Settled when the socket is closed, whoever closed it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isOpen(): boolean {
    return this.web.readyState === WebSocket.OPEN;
  }

  send(frame: Outgoing) {
    const data = frame.encode(this.#options.vsn);
    if (data === undefined || !this.isOpen) return;
    this.web.send(data as string);
    if (this.web.bufferedAmount > this.#options.limits.unreadBytes) {
      this.close(1008);
      // Whoever does not read does not read the close either.
      this.#end();
    }
  }

  reply({ joinRef, ref, topic }: Message, status: "ok" | "error", response = "{}") {
    const payload = `{"status":"${status}","response":${response}}`;
    this.send(jsonFrame({ topic, event: "phx_reply", payload, ref, joinRef }));
  }

  close(code: number) {
    if (this.web.readyState <= WebSocket.OPEN) this.web.close(code);
  }

  /** A mistake of ours ends no other client's socket. */
  failed(error: unknown) {
    this.#options.log({ event: "message_failed", reason: reasonOf(error) });
  }

  #receive(data: string | ArrayBuffer) {
    this.#awaitIdle();
    const { vsn, limits } = this.#options;
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
    if (size > limits.frameBytes) return this.close(1009);
    const message = typeof data === "string"
      ? decodeText(vsn, data)
      : vsn === "2.0.0"
      ? decodeBinary(new Uint8Array(data))
      : undefined;
    if (!message) return;
    if (this.#waiting > MAX_WAITING) return this.close(1008);
    this.#enqueue(message);
  }

  /** Handles messages one after the other: what follows a join waits for it. */
  #enqueue(message: Message) {
    this.#waiting++;
    this.#work = this.#work
      .then(() => (this.isOpen ? this.#options.onMessage(message) : undefined))
      .catch((error) => this.failed(error))
      .finally(() => this.#waiting--);
  }

  #awaitIdle() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(1000), this.#options.limits.idleMs);
  }

  #end() {
    clearTimeout(this.#idle);
    this.#options.onEnd();
    this.#closed.resolve();
  }
}
