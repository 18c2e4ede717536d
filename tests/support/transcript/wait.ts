/** Waits for what others do. */

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
