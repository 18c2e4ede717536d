import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import { Bucket, openAccount, PRICE } from "../peer/budget.ts";

/**
 * What a client may still ask of the worker: a number of messages, and work of every kind from one
 * account. Asked before the work is done; throws `too_many_frames`, or for a join `too_many_joins`.
 */
export class Account {
  readonly #frames: Bucket;
  readonly #work: Bucket;

  constructor({ framesPerSecond, frameBurst, cpuShare }: Config, now: () => number) {
    this.#frames = new Bucket(framesPerSecond, frameBurst, now);
    this.#work = openAccount(cpuShare, now);
  }

  /** A message of so many bytes, or UTF-16 units. */
  message(size: number): void {
    if (!this.#frames.take() || !this.#work.take(PRICE.frame + size * PRICE.passed)) {
      throw tooMuch();
    }
  }

  /** A look at so much of it. */
  look(size: number): void {
    if (!this.#work.take(size * PRICE.scanned)) throw tooMuch();
  }

  /** So much of it becomes values. */
  parse(size: number): void {
    if (!this.#work.take(size * PRICE.parsed)) throw tooMuch();
  }

  /** A signature. */
  check(): void {
    if (!this.#work.takeSpare(PRICE.check)) throw tooMuch();
  }

  /** A join that goes upstream. */
  join(): void {
    if (this.#work.takeSpare(PRICE.join)) return;
    throw new RelayError("too_many_joins", "The client joins too many channels at a time.");
  }
}

function tooMuch(): RelayError {
  return new RelayError("too_many_frames", "The client sends too much.");
}
