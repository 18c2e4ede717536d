/** A time that is nearer has a timer: look() is called twice as often. */
const NEAR_MS = 10_000;

/**
 * Calls `expire` when the clock has reached a time that may be moved, however often the worker stood
 * still or its clock was set meanwhile. A legacy key expires in ten years: that no timer waits for.
 */
export class Deadline {
  #at = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly now: () => number, readonly expire: () => void) {}

  set(at: number): void {
    this.clear();
    this.#at = at;
    this.look();
  }

  clear(): void {
    this.#at = Infinity;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Sets the timer of what is near; to be called every 5 s. */
  look(): void {
    const left = this.#at - this.now();
    if (this.#timer !== undefined || left > NEAR_MS) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.now() < this.#at) return this.look();
      this.#at = Infinity;
      this.expire();
    }, left);
  }
}
