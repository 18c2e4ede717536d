import { RelayError } from "../errors.ts";
import type { Frame } from "../realtime/phoenix.ts";
import type { Gate } from "./gate.ts";
import type { Judgement } from "./pushes.ts";
import { Batch } from "../peer/batch.ts";
import { CONNECTING, type Message, OPEN } from "../runtime.ts";
import { type Backlog, Kept, SPARE_BYTES } from "../peer/unsent.ts";

/** What one direction carried. Text counts in UTF-16 units, which for ASCII are bytes. */
export interface Count {
  /** Each frame of a batch counts. */
  messages: number;
  bytes: number;
}

/** Who is sent what has passed; `sendBatch` is there for a client that takes batches. */
export interface Receiver {
  send(message: Message, frame?: Frame): void;
  sendBatch?(batch: Batch): void;
}

/** What a held message costs beside its bytes, so that empty ones are bounded too. */
const HELD_OVERHEAD_BYTES = 64;

/**
 * One direction of a tunnel. Messages wait, in order, while the receiver is not open yet or an
 * earlier message is still being judged; otherwise they pass without an allocation.
 */
export class Lane implements Count {
  messages = 0;
  bytes = 0;
  #isOpen: boolean;
  #judging = false;
  #held: Queue<Message | Batch> | undefined;
  /** What that takes of the worker's memory; most sockets never have it. */
  #kept: Kept | undefined;

  constructor(
    readonly receiver: Receiver,
    readonly backlog: Backlog,
    readonly tunnel: { end(thrown: unknown): void },
    readonly gate: Pick<Gate, "judge"> | undefined,
  ) {
    this.#isOpen = backlog.socket.readyState !== CONNECTING;
  }

  push(message: Message | Batch): void {
    if (this.#isOpen && !this.#judging && !this.#held) return this.#pass(message);
    const { unsent } = this.backlog;
    this.#kept ??= new Kept(unsent, unsent.max, SPARE_BYTES);
    if (!this.#kept.take(sizeOf(message) + HELD_OVERHEAD_BYTES)) {
      return this.tunnel.end(this.#judging ? tooMuch() : unread());
    }
    this.#held ??= new Queue();
    this.#held.push(message);
  }

  /** The receiving socket is gone, or the tunnel over: nothing waits for it. */
  forget(): void {
    this.#held = undefined;
    this.#kept?.give(this.#kept.bytes);
  }

  /** The receiving socket is open: sends what was held. */
  open(): void {
    this.#isOpen = true;
    this.#resume();
  }

  /** Sends a message of the relay's own: bounded like the others, and not counted. */
  say(message: Message, frame?: Frame): void {
    if (this.backlog.socket.readyState !== OPEN) return;
    if (this.backlog.hasRoom(sizeOf(message))) this.receiver.send(message, frame);
    else this.tunnel.end(unread());
  }

  #pass(message: Message | Batch): void {
    try {
      if (!this.gate || message instanceof Batch) return this.#send(message);
      const judgement = this.gate.judge(message);
      if (judgement instanceof Promise) this.#wait(judgement);
      else if (judgement) this.#send(judgement.message, judgement.frame);
    } catch (error) {
      this.#fail(error);
    }
  }

  #wait(judgement: Promise<Judgement>): void {
    this.#judging = true;
    judgement.then((passed) => {
      this.#judging = false;
      if (passed) this.#send(passed.message, passed.frame);
      this.#resume();
    }).catch((error) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.forget();
    this.tunnel.end(error);
  }

  #send(message: Message | Batch, frame?: Frame): void {
    const { socket } = this.backlog;
    if (socket.readyState !== OPEN) return;
    const size = sizeOf(message);
    if (!this.backlog.hasRoom(size)) throw unread();
    if (message instanceof Batch) this.receiver.sendBatch!(message);
    else this.receiver.send(message, frame);
    this.messages += message instanceof Batch ? message.count : 1;
    this.bytes += size;
  }

  #resume(): void {
    while (!this.#judging && this.#held) {
      const message = this.#held.shift()!;
      this.#kept!.give(sizeOf(message) + HELD_OVERHEAD_BYTES);
      if (this.#held.isEmpty) this.#held = undefined;
      this.#pass(message);
    }
  }
}

/** First in, first out. An array is moved whole by each shift(): of this one the front is cut off seldom. */
class Queue<Item> {
  readonly #items: (Item | undefined)[] = [];
  /** How many of them are out. */
  #out = 0;

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#out];
    this.#items[this.#out++] = undefined;
    if (this.#out * 2 >= this.#items.length) {
      this.#items.splice(0, this.#out);
      this.#out = 0;
    }
    return item;
  }
}

function sizeOf(message: Message | Batch): number {
  return typeof message === "string" || message instanceof Batch
    ? message.length
    : message.byteLength;
}

/** Whoever reads too little is not to blame for what a token's check holds up. */
function tooMuch(): RelayError {
  return new RelayError("too_big", "The client sends too much while its token is checked.");
}

export function unread(): RelayError {
  return new RelayError("unread", "A peer does not read what it is sent.");
}
