import { RelayError } from "./errors.ts";
import type { Gate, Judgement } from "./gate.ts";
import { CONNECTING, type Message, OPEN } from "./runtime.ts";
import type { Backlog } from "./unsent.ts";

/** What one direction carried. Text counts in UTF-16 units, which for ASCII are bytes. */
export interface Count {
  messages: number;
  bytes: number;
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
  #held: Message[] | undefined;
  #heldBytes = 0;

  constructor(
    readonly backlog: Backlog,
    readonly tunnel: { end(thrown: unknown): void },
    readonly gate: Pick<Gate, "judge"> | undefined,
  ) {
    this.#isOpen = backlog.socket.readyState !== CONNECTING;
  }

  push(message: Message): void {
    if (this.#isOpen && !this.#judging && !this.#held) return this.#pass(message);
    this.#heldBytes += sizeOf(message) + HELD_OVERHEAD_BYTES;
    if (this.#heldBytes > this.backlog.unsent.max) return this.tunnel.end(unread());
    this.#held ??= [];
    this.#held.push(message);
  }

  /** The receiving socket is open: sends what was held. */
  open(): void {
    this.#isOpen = true;
    this.#resume();
  }

  #pass(message: Message): void {
    try {
      const judgement = this.gate ? this.gate.judge(message) : message;
      if (judgement instanceof Promise) this.#wait(judgement);
      else if (judgement !== undefined) this.#send(judgement);
    } catch (error) {
      this.tunnel.end(error);
    }
  }

  #wait(judgement: Promise<Judgement>): void {
    this.#judging = true;
    judgement.then((message) => {
      this.#judging = false;
      if (message !== undefined) this.#send(message);
      this.#resume();
    }).catch((error) => this.tunnel.end(error));
  }

  #send(message: Message): void {
    const { socket } = this.backlog;
    if (socket.readyState !== OPEN) return;
    const size = sizeOf(message);
    if (!this.backlog.hasRoom(size)) throw unread();
    socket.send(message);
    this.messages++;
    this.bytes += size;
  }

  #resume(): void {
    while (!this.#judging && this.#held) {
      const message = this.#held.shift()!;
      this.#heldBytes -= sizeOf(message) + HELD_OVERHEAD_BYTES;
      if (this.#held.length === 0) this.#held = undefined;
      this.#pass(message);
    }
  }
}

function sizeOf(message: Message): number {
  return typeof message === "string" ? message.length : message.byteLength;
}

export function unread(): RelayError {
  return new RelayError("unread", "A peer does not read what it is sent.");
}
