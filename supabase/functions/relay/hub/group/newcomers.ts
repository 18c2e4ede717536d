import { tailOf, withRefs } from "../../realtime/frame.ts";
import type { Vsn } from "../../realtime/upstream.ts";
import { FRESH_MS, type Right } from "../rights.ts";
import type { Seat } from "./seat.ts";

export interface NewcomersOptions {
  vsn: Vsn;
  topic: string;
  /** Nobody asks for a right to a public channel. */
  isPrivate: boolean;
  now(): number;
  /** Asks whether a viewer may join the private channel now; undefined where nobody says. */
  askRight(): Promise<Right | undefined>;
  /** Makes a member of whoever is let in. */
  welcome(seat: Seat): void;
  /** Some were sent away. */
  onSentAway(): void;
}

/**
 * Those whose join is not answered yet. They are let in by an answer of Realtime's that is young
 * enough: that to the channel's own join, or one that is asked for by them. Who gets none asks by a
 * socket of its own.
 */
export class Newcomers {
  readonly #waiting = new Set<Seat>();
  /** The channel is joined. */
  #isOpen = false;
  /** When the newest question was sent that Realtime has answered with yes. */
  #allowedAt = -Infinity;
  #isAsking = false;

  constructor(readonly options: NewcomersOptions) {}

  get size(): number {
    return this.#waiting.size;
  }

  [Symbol.iterator](): Iterator<Seat> {
    return this.#waiting[Symbol.iterator]();
  }

  add(seat: Seat): void {
    if (this.#isOpen && this.#isFresh) return this.options.welcome(seat);
    this.#waiting.add(seat);
    if (this.#isOpen) this.#ask();
  }

  remove(seat: Seat): void {
    this.#waiting.delete(seat);
  }

  /** The channel is joined, by a join that was sent then. */
  open(sentAt: number): void {
    this.#isOpen = true;
    this.#allowedAt = sentAt;
    this.#admit();
  }

  /** The channel is lost: who comes waits for the next join. */
  shut(): void {
    this.#isOpen = false;
  }

  /** Answers them with the reason why there is nothing to join. */
  refuse(reason: string, seats?: Iterable<Seat>): void {
    const { vsn, topic } = this.options;
    const payload = { status: "error", response: { reason } };
    this.dismiss(tailOf(vsn, { topic, event: "phx_reply", payload }), seats);
  }

  /** Answers them with a refusal of Realtime's. */
  dismiss(tail: string, seats: Iterable<Seat> = [...this.#waiting]): void {
    for (const seat of seats) {
      if (!this.#waiting.delete(seat)) continue;
      seat.dismiss(withRefs(this.options.vsn, seat.joinRef, seat.ref, tail));
    }
    this.options.onSentAway();
  }

  turnAway(seats: Iterable<Seat> = [...this.#waiting]): void {
    for (const seat of seats) if (this.#waiting.delete(seat)) seat.turnAway();
    this.options.onSentAway();
  }

  get #isFresh(): boolean {
    const { isPrivate, now } = this.options;
    return !isPrivate || now() - this.#allowedAt <= FRESH_MS;
  }

  #admit(): void {
    if (this.#waiting.size === 0) return;
    if (!this.#isFresh) return void this.#ask();
    for (const seat of this.#waiting) this.options.welcome(seat);
    this.#waiting.clear();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const asking = [...this.#waiting];
    const right = await this.options.askRight();
    this.#isAsking = false;
    // A channel that was lost meanwhile is joined again, which asks as well.
    if (!this.#isOpen) return;
    if (right?.isGiven) this.#allowedAt = Math.max(this.#allowedAt, right.at);
    if (right?.isGiven === false) this.refuse(right.reason, asking);
    else if (!this.#isFresh) this.turnAway(asking);
    this.#admit();
  }
}
