import type { Ending, Turn } from "./turn.ts";
import { type Batch, bytesOf, joined, lineOf, MAX_BATCH_BYTES } from "./batch.ts";
import { type Message, OPEN, type Socket } from "../runtime.ts";

export interface OutboxOptions {
  client: Pick<Socket, "readyState" | "bufferedAmount" | "send">;
  turn: Turn;
  /** The client's socket is to end. */
  onFail(error: unknown): void;
}

/**
 * The socket of a client that takes batches: text frames that come in one turn go in one message, each
 * on a line of its own; binary messages go alone, and the order is kept. Every text passes here as one
 * line, or is a batch, whose lines were made so.
 */
export class Outbox implements Ending {
  #text: string | undefined;
  /** Of the text; undefined where nobody needed it. */
  #bytes: number | undefined;

  constructor(readonly options: OutboxOptions) {}

  get readyState(): Socket["readyState"] {
    return this.options.client.readyState;
  }

  /** What waits here included; undefined where the runtime does not tell. */
  get bufferedAmount(): number | undefined {
    const { bufferedAmount } = this.options.client;
    return bufferedAmount === undefined ? undefined : bufferedAmount + (this.#text?.length ?? 0);
  }

  send(message: Message): void {
    if (typeof message === "string") return this.#add(lineOf(message));
    this.endTurn();
    this.options.client.send(message);
  }

  sendBatch({ text }: Batch): void {
    this.#add(text);
  }

  endTurn(): void {
    const text = this.#text;
    if (text === undefined) return;
    this.#text = this.#bytes = undefined;
    if (this.readyState === OPEN) this.options.client.send(text);
  }

  failTurn(error: unknown): void {
    this.options.onFail(error);
  }

  /** Takes one line, or several. */
  #add(text: string): void {
    this.options.turn.note();
    if (this.#text !== undefined) {
      this.#bytes ??= bytesOf(this.#text);
      const bytes = this.#bytes + 1 + bytesOf(text);
      if (bytes <= MAX_BATCH_BYTES) {
        this.#text = joined(this.#text, text);
        this.#bytes = bytes;
        return;
      }
      this.endTurn();
    }
    // Named already where it was sent within this turn: the second time nothing is left.
    this.options.turn.addClient(this);
    this.#text = text;
  }
}
