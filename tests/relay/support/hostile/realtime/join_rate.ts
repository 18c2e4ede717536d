import type { Time } from "../world/time.ts";

/** The tenant's rate: an average, so that a burst passes; over fewer seconds than in the real one. */
const PER_SECOND = 100;
const WINDOW_MS = 4_000;

/** How long a refused join waits for its answer. */
export const REFUSAL_MS = 5_000;

/** How many joins a tenant may have. */
export class JoinRate {
  /** When a join was last refused for it; its client hears that later. */
  overAt = -Infinity;
  /** Since when joins come at most so often as they were sent: what a stalled socket held is read. */
  calmAt = -Infinity;
  readonly #joins: number[] = [];

  constructor(readonly time: Time) {}

  /** Counts a join; false where it is one too many. */
  take(): boolean {
    this.#joins.push(this.time.now);
    return !this.isOver;
  }

  /** All that a stalled socket has held comes at once. */
  flood(): void {
    this.calmAt = this.time.now + WINDOW_MS;
  }

  /** The answer to a join that is one too many. */
  refuse(): { wait: number; reason: string } {
    this.overAt = this.time.now;
    return { wait: REFUSAL_MS, reason: "ClientJoinRateLimitReached: Too many joins per second" };
  }

  get isOver(): boolean {
    const since = this.time.now - WINDOW_MS;
    while (this.#joins.length > 0 && this.#joins[0] < since) this.#joins.shift();
    return this.#joins.length > PER_SECOND * WINDOW_MS / 1_000;
  }
}
