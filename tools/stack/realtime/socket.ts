/** One client's socket: frames in, in order, and frames out, in the version that it speaks. */
import { Buffer } from "node:buffer";
import type { Channel } from "./channel.ts";
import { join } from "./join.ts";
import {
  decodeBinary,
  decodeText,
  jsonFrame,
  type Message,
  type Outgoing,
  type Vsn,
} from "./serializer.ts";
import type { Tenant } from "./tenant.ts";
import type { Identity } from "./token.ts";

/** Frames that may wait while one is handled; who sends more does not wait for answers. */
const MAX_WAITING = 10_000;

export interface SocketOptions {
  tenant: Tenant;
  vsn: Vsn;
  /** Of the token in the handshake. */
  identity: Identity;
}

let lastId = 0;

export class ClientSocket {
  readonly id = ++lastId;
  readonly channels = new Map<string, Channel>();
  readonly tenant: Tenant;
  readonly vsn: Vsn;
  readonly identity: Identity;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #idle?: ReturnType<typeof setTimeout>;
  #closed = Promise.withResolvers<void>();

  constructor(readonly web: WebSocket, options: SocketOptions) {
    ({ tenant: this.tenant, vsn: this.vsn, identity: this.identity } = options);
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

  send(outgoing: Outgoing) {
    const data = outgoing.encode(this.vsn);
    if (data === undefined || !this.isOpen) return;
    this.web.send(data as string);
    if (this.web.bufferedAmount > this.tenant.limits.unreadBytes) {
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

  /** Waits so long, or until the socket is closed. */
  async delay(ms: number) {
    if (ms === 0) return;
    const waited = Promise.withResolvers<void>();
    const timer = setTimeout(waited.resolve, ms);
    await Promise.race([waited.promise, this.closed]);
    clearTimeout(timer);
  }

  #receive(data: string | ArrayBuffer) {
    this.#awaitIdle();
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
    if (size > this.tenant.limits.frameBytes) return this.close(1009);
    const message = typeof data === "string"
      ? decodeText(this.vsn, data)
      : this.vsn === "2.0.0"
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
      .then(() => (this.isOpen ? this.#dispatch(message) : undefined))
      .catch((error) => this.failed(error))
      .finally(() => this.#waiting--);
  }

  #dispatch(message: Message): void | Promise<void> {
    const { topic, event } = message;
    if (topic === "phoenix" && event === "heartbeat") return this.reply(message, "ok");
    if (event === "phx_join") return join(this, message);
    const channel = this.channels.get(topic);
    if (channel) return channel.handle(message);
    if (event === "phx_leave") return this.reply(message, "ok");
    this.reply(message, "error", '{"reason":"unmatched topic"}');
  }

  /** A mistake of ours ends no other client's socket. */
  failed(error: unknown) {
    const reason = error instanceof Error ? error.message : String(error);
    this.tenant.log({ event: "message_failed", reason });
  }

  #awaitIdle() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(1000), this.tenant.limits.idleMs);
  }

  #end() {
    clearTimeout(this.#idle);
    for (const channel of [...this.channels.values()]) channel.stop();
    this.#closed.resolve();
  }
}
