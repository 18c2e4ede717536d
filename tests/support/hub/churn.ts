import assert from "node:assert/strict";
import { PUBLISHABLE_KEY } from "../tokens.ts";
import { FakeSocket } from "./fake_socket.ts";
import { CONFIG, type Stage } from "./stage.ts";

/** Numbers that repeat from run to run. */
export function random(seed: number): () => number {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

/** Reads the number of a change out of its frame, without parsing it. */
export const numberOf = (text: string) => Number(/"n":(\d+)/.exec(text)?.[1] ?? -1);

/** The join of a page, in vsn 2.0.0. */
export const joinText = (ref: number, topic: string) =>
  JSON.stringify([String(ref), String(ref), topic, "phx_join", { config: CONFIG }]);

/** Somebody who comes and goes, and checks what came: all numbers while it was there, in order. */
export class Churner {
  #socket: FakeSocket | undefined;
  #ref = 0;
  /** The first number that it may get and the last that it must, once it was answered. */
  #next: number | undefined;
  isThere = false;
  got = 0;

  /** `protocol`: what its sockets offer. */
  constructor(
    readonly stage: Stage,
    readonly topic: string,
    readonly newest: () => number,
    readonly protocol?: string,
  ) {}

  async come(): Promise<void> {
    this.isThere = true;
    if (this.#socket?.readyState !== 1) {
      this.stage.protocol = this.protocol;
      this.#socket = await this.stage.connect(
        (message) => this.#takeAll(String(message).split("\n")),
        PUBLISHABLE_KEY,
        "2.0.0",
      );
    }
    this.#socket.receive(joinText(++this.#ref, this.topic));
  }

  /** Leaves the channel, the socket, or the world. */
  go(how: number): void {
    assert.equal(this.#next ?? this.newest() + 1, this.newest() + 1, "one who stayed missed some");
    this.isThere = false;
    this.#next = undefined;
    const ref = String(this.#ref);
    if (how < 1) this.#socket!.receive(JSON.stringify([ref, "leave", this.topic, "phx_leave", {}]));
    else this.#socket!.end(how < 2 ? 1001 : 1006);
  }

  /** Ends its socket. */
  end(): void {
    if (this.isThere) this.go(1);
    else this.#socket?.end(1001);
  }

  /** The frames of a message: what stands in it behind an answer came after that, too. */
  #takeAll(texts: string[]): void {
    for (const [n, text] of texts.entries()) {
      const next = texts.slice(n + 1).map(numberOf).find((number) => number >= 0);
      this.#take(text, next ?? this.newest() + 1);
    }
  }

  #take(text: string, next: number): void {
    if (text.includes('"phx_reply"') && !text.includes('"leave"') && this.isThere) {
      this.#next ??= next;
    }
    const number = numberOf(text);
    if (number < 0) return;
    assert.ok(this.isThere, "one who left got a frame");
    assert.equal(number, this.#next, "a frame came twice, or one is missing");
    this.#next = number + 1;
    this.got++;
  }
}
