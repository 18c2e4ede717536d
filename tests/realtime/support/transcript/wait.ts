/** Waits for what others do. */

/** A wait that fails a test, never one that decides it. */
export const DEADLINE_MS = 10_000;

/** Wakes who waits; whoever changes something calls `wake`. */
export class Wait {
  #woken = Promise.withResolvers<void>();

  readonly wake = () => {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  };

  /** Whether `passes` came true within the time. */
  async until(passes: () => boolean, ms: number): Promise<boolean> {
    let late = false;
    const timer = setTimeout(() => (late = true, this.wake()), ms);
    while (!passes() && !late) await this.#woken.promise;
    clearTimeout(timer);
    return passes();
  }
}
