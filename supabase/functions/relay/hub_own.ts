import { closeOf } from "./close.ts";
import type { Listener, Upstream } from "./dial.ts";
import { toRelayError } from "./errors.ts";
import type { Move } from "./hub_move.ts";
import { type Message, OPEN } from "./runtime.ts";
import { Backlog, type Unsent } from "./unsent.ts";

export interface OwnSocketOptions {
  dial(): Promise<Upstream>;
  unsent: Unsent;
  /** Told also of a socket that could not be opened. */
  listener: Listener;
}

/** A viewer's own socket to Realtime, dialled at once; what is sent before it is open waits. */
export class OwnSocket {
  #upstream: Upstream | undefined;
  #closed = false;
  /** The topics that it has joined. */
  readonly topics = new Set<string>();
  /** The topics that go over to it. */
  readonly moves = new Map<string, Move>();
  readonly #queue: Message[] = [];
  #queued = 0;

  constructor(readonly options: OwnSocketOptions) {
    options.dial().then((upstream) => this.#opened(upstream), (thrown) => {
      if (!this.#closed) options.listener.onClose(closeOf(toRelayError(thrown)));
    });
  }

  get isOpen(): boolean {
    return this.#upstream?.socket.readyState === OPEN;
  }

  /** Bytes that wait: who sends is to look at it first. */
  get bufferedAmount(): number | undefined {
    return this.#upstream ? this.#upstream.socket.bufferedAmount : this.#queued;
  }

  send(message: Message): void {
    if (this.isOpen) this.#upstream!.socket.send(message);
    else if (!this.#upstream) {
      this.#queue.push(message);
      this.#queued += typeof message === "string" ? message.length : message.byteLength;
    }
  }

  /** Returns false where no `onClose` will follow. */
  close(code: number): boolean {
    this.#closed = true;
    if (this.isOpen) this.#upstream!.socket.close(code);
    return this.#upstream !== undefined;
  }

  #opened(upstream: Upstream): void {
    if (this.#closed) return upstream.socket.close(1000);
    const { unsent, listener } = this.options;
    const backlog = new Backlog(unsent, upstream.socket);
    this.#upstream = upstream;
    unsent.watch(backlog);
    for (const message of this.#queue.splice(0)) this.send(message);
    upstream.listen({
      onMessage: (message) => listener.onMessage(message),
      onClose: (close) => {
        unsent.forget(backlog);
        listener.onClose(close);
      },
    });
  }
}
