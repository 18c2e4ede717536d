import type { Message } from "../network/frames.ts";
import type { Channel } from "./channel.ts";

/** What a socket's process has still to do. */
export type Letter =
  /** A frame of the client's; a join may be one too many. */
  | { kind: "frame"; message: Message; isTooMany: boolean }
  /** To be sent as it is. */
  | { kind: "push"; message: Message }
  /** A channel's process has ended. */
  | { kind: "end"; channel: Channel; event: "phx_close" | "phx_error" };

/** Takes letters one after the other, in the order in which they came, and none while it is busy. */
export class Mailbox {
  #letters: Letter[] = [];
  #isBusy = false;
  #isRunning = false;

  constructor(readonly take: (letter: Letter) => void) {}

  post(letter: Letter): void {
    this.#letters.push(letter);
    this.#run();
  }

  /** Takes nothing more until resume(). */
  pause(): void {
    this.#isBusy = true;
  }

  resume(): void {
    this.#isBusy = false;
    this.#run();
  }

  /** Takes out the word of a channel's end, where it has come. */
  withdrawEnd(channel: Channel): void {
    this.#letters = this.#letters.filter((it) => it.kind !== "end" || it.channel !== channel);
  }

  clear(): void {
    this.#letters = [];
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (!this.#isBusy && this.#letters.length > 0) this.take(this.#letters.shift()!);
    this.#isRunning = false;
  }
}
