import { type Close, closeOf } from "./close.ts";
import type { Upstream } from "./dial.ts";
import { toRelayError } from "./errors.ts";
import { type Message, OPEN } from "./runtime.ts";
import type { Unsent } from "./unsent.ts";

export interface OwnSocketOptions {
  dial(): Promise<Upstream>;
  unsent: Unsent;
  onMessage(message: Message): void;
  /** It was closed, or could not be opened. */
  onClose(close: Close): void;
}

/** A viewer's own socket to Realtime, dialled at once; what is sent before it is open waits. */
export class OwnSocket {
  #upstream: Upstream | undefined;
  #closed = false;
  readonly #queue: Message[] = [];
  #queued = 0;

  constructor(readonly options: OwnSocketOptions) {
    options.dial().then((upstream) => this.#opened(upstream), (thrown) => {
      if (!this.#closed) options.onClose(closeOf(toRelayError(thrown)));
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
    const { unsent, onMessage, onClose } = this.options;
    this.#upstream = upstream;
    unsent.watch(upstream.socket);
    for (const message of this.#queue.splice(0)) this.send(message);
    upstream.listen(onMessage, onClose);
  }
}
