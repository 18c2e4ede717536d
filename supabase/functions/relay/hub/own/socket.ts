import { closeOf } from "../../peer/close.ts";
import type { Dialled, Listener } from "../../realtime/dial.ts";
import { toRelayError } from "../../errors.ts";
import { type Parts, payloadOf, takeApart, topicOfBroadcast } from "../../realtime/frame.ts";
import type { Frame } from "../../realtime/phoenix.ts";
import type { Move } from "./move.ts";
import { type Message, OPEN } from "../../runtime.ts";
import { Backlog, type Kept, type Unsent } from "../../peer/unsent.ts";
import type { Vsn } from "../../realtime/upstream.ts";

export interface OwnSocketOptions {
  dial(): Promise<Dialled>;
  vsn: Vsn;
  unsent: Unsent;
  /** Memory for what is sent before it is open. */
  kept: Pick<Kept, "take" | "give">;
  /** There is none left. */
  onFull(): void;
  /** Gets what no move takes; told also of a socket that could not be opened. */
  listener: Listener;
}

/** A channel that is left. */
interface Left {
  /** Of the join that the leave named. */
  joinRef: Frame["join_ref"];
  /**
   * The relay has left it, and nobody hears of it before the next join is answered: the refs of its join
   * and leave, as JSON text.
   */
  untold?: string[];
}

/** A viewer's own socket to Realtime, dialled at once; what is sent before it is open waits. */
export class OwnSocket {
  #upstream: Dialled | undefined;
  #closed = false;
  /** The topics that it has joined. */
  readonly topics = new Set<string>();
  /** The topics that it has left, until Realtime says that their channels have ended. */
  readonly leaving = new Map<string, Left>();
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
    if (this.isOpen) this.#upstream!.send(message);
    else if (!this.#upstream && !this.#closed) this.#keep(message);
  }

  /** Returns false where no `onClose` will follow. */
  close(code: number): boolean {
    this.#closed = true;
    this.#release();
    if (this.isOpen) this.#upstream!.socket.close(code);
    return this.#upstream !== undefined;
  }

  #keep(message: Message): void {
    const { kept, onFull } = this.options;
    const bytes = typeof message === "string" ? message.length : message.byteLength;
    if (!kept.take(bytes)) return onFull();
    this.#queue.push(message);
    this.#queued += bytes;
  }

  #release(): Message[] {
    this.options.kept.give(this.#queued);
    this.#queued = 0;
    return this.#queue.splice(0);
  }

  /** What comes for a topic that goes over is its move's. */
  #take(message: Message): void {
    const { moves, leaving, options: { vsn, listener } } = this;
    if (moves.size + leaving.size === 0) return listener.onMessage(message);
    const isText = typeof message === "string";
    const parts = isText ? takeApart(vsn, message) : undefined;
    if (parts?.topic === "phoenix") {
      for (const move of moves.values()) if (move.isFlushed(parts)) return;
    }
    const topic = isText ? parts?.topic : topicOfBroadcast(message);
    if (topic === undefined) return listener.onMessage(message);
    const left = leaving.get(topic);
    if (left && parts && isEnd(vsn, parts, left)) leaving.delete(topic);
    if (left?.untold && !isOfNext(left.untold, parts)) return;
    delete left?.untold;
    const move = moves.get(topic);
    if (move) move.fromOwn(message, parts);
    else listener.onMessage(message);
  }

  #opened(upstream: Dialled): void {
    if (this.#closed) return upstream.socket.close(1000);
    const { unsent, listener } = this.options;
    const backlog = new Backlog(unsent, upstream.socket);
    this.#upstream = upstream;
    unsent.watch(backlog);
    for (const message of this.#release()) this.send(message);
    upstream.listen({
      onMessage: (message) => this.#take(message),
      onClose: (close) => {
        unsent.forget(backlog);
        listener.onClose(close);
      },
    });
  }
}

/** True for what names another join, or what was sent behind it. */
const isOfNext = (untold: string[], parts: Parts | undefined): boolean =>
  parts !== undefined && parts.ref !== "null" && !untold.includes(parts.ref);

/** True where Realtime ends the channel of this join, where the leave named one, or knows of none. */
function isEnd(vsn: Vsn, parts: Parts, { joinRef }: Left): boolean {
  // That of another join is late: a join has replaced it before the leave.
  if (parts.event === "phx_close" || parts.event === "phx_error") {
    return !joinRef || parts.ref === JSON.stringify(joinRef);
  }
  return parts.event === "phx_reply" && payloadOf(vsn, parts).status !== "ok";
}
