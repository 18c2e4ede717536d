import { Bucket } from "../peer/budget.ts";

/**
 * Realtime ends the whole socket of whoever joins above the tenant's rate, which is 100 a second by
 * default and an average over many seconds. The hub joins for many, so it stays far below.
 */
const JOINS_PER_SECOND = 20;

/** A page's channels at once. */
const BURST = 100;

/** Five seconds' worth: who would wait longer is better served by a socket of its own. */
const MAX_WAITING = 100;

/** Lets the hub's joins go out one after the other, never faster than Realtime takes them. */
export class Pace {
  readonly #bucket: Bucket;
  readonly #waiting: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number) {
    this.#bucket = new Bucket(JOINS_PER_SECOND, BURST, now);
  }

  /** True where no newcomer should have to wait behind those who do. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  /** Does the work now, or when its turn has come. */
  run(work: () => void): void {
    if (this.#waiting.length === 0 && this.#bucket.take()) return work();
    this.#waiting.push(work);
    this.#wait();
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      while (this.#waiting.length > 0 && this.#bucket.take()) this.#waiting.shift()!();
      if (this.#waiting.length > 0) this.#wait();
    }, 1_000 / JOINS_PER_SECOND);
  }
}
