import { closeOf } from "./close.ts";
import type { Listener, Upstream } from "./dial.ts";
import { toRelayError } from "./errors.ts";
import { takeApart, topicOfBroadcast } from "./hub_frame.ts";
import type { Move } from "./hub_move.ts";
import { type Message, OPEN } from "./runtime.ts";
import { Backlog, type Unsent } from "./unsent.ts";
import type { Vsn } from "./upstream.ts";

export interface OwnSocketOptions {
  dial(): Promise<Upstream>;
  vsn: Vsn;
  unsent: Unsent;
  /** Gets what no move takes; told also of a socket that could not be opened. */
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

  /** What comes for a topic that goes over is its move's. */
  #take(message: Message): void {
    const { moves, options: { vsn, listener } } = this;
    if (moves.size === 0) return listener.onMessage(message);
    const isText = typeof message === "string";
    const parts = isText ? takeApart(vsn, message) : undefined;
    if (parts?.topic === "phoenix") {
      for (const move of moves.values()) if (move.isFlushed(parts)) return;
    }
    const topic = isText ? parts?.topic : topicOfBroadcast(message);
    const move = topic === undefined ? undefined : moves.get(topic);
    if (move) move.fromOwn(message, parts);
    else listener.onMessage(message);
  }

  #opened(upstream: Upstream): void {
    if (this.#closed) return upstream.socket.close(1000);
    const { unsent, listener } = this.options;
    const backlog = new Backlog(unsent, upstream.socket);
    this.#upstream = upstream;
    unsent.watch(backlog);
    for (const message of this.#queue.splice(0)) this.send(message);
    upstream.listen({
      onMessage: (message) => this.#take(message),
      onClose: (close) => {
        unsent.forget(backlog);
        listener.onClose(close);
      },
    });
  }
}
