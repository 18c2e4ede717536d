/** Longer timers fire at once (HTML standard: the delay is a signed 32-bit number). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Far away a timer is set for whole minutes. Deno and Node keep a list for each duration that a timer
 * was ever set for until that has passed, cleared or not: an hour for each socket that had a token.
 */
const STEP_MS = 60_000;

/**
 * Calls `expire` when the clock has reached a time that may be moved. The timer is set again where
 * it fires before: a legacy key expires in ten years, and a clock may lag behind its timers.
 */
export class Deadline {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly now: () => number, readonly expire: () => void) {}

  set(at: number): void {
    this.clear();
    const left = at - this.now();
    this.#timer = setTimeout(() => {
      if (this.now() < at) this.set(at);
      else this.expire();
    }, left < STEP_MS ? left : Math.min(left - left % STEP_MS, MAX_TIMER_MS));
  }

  /** A timer that was cleared is memory still. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
