/** Counts what happens within a sliding window of time. */
export class Rate {
  /** When the last ones happened, oldest first; never more than one above the limit. */
  #times: number[] = [];
  constructor(readonly limit: number, readonly windowMs: number) {}

  /** Counts one more; false when that is more than the limit. */
  take(now = Date.now()): boolean {
    if (this.limit === Infinity) return true;
    while (this.#times.length > 0 && this.#times[0] <= now - this.windowMs) this.#times.shift();
    if (this.#times.length > this.limit) return false;
    this.#times.push(now);
    return this.#times.length <= this.limit;
  }

  /** How many are in the window. */
  get count(): number {
    const now = Date.now();
    return this.#times.filter((time) => time > now - this.windowMs).length;
  }

  get isFull(): boolean {
    return this.count >= this.limit;
  }
}
