/** How much longer than between two ticks: a tick may come late. */
const SLACK = 1.2;

/** One that begin() began. */
export class Wait {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `until` is of performance.now(), in ms. */
  constructor(readonly far: Set<Wait>, readonly until: number, readonly expire: () => void) {}

  /** It is nearly over: the platform's timer ends it to the millisecond. */
  setTimer(): void {
    this.far.delete(this);
    this.#timer = setTimeout(this.expire, Math.max(0, this.until - performance.now()));
  }

  /** Nobody waits any longer. */
  end(): void {
    this.far.delete(this);
    clearTimeout(this.#timer);
  }
}

/**
 * What sockets wait for, which nearly always comes long before the time is up. A timer of the platform's
 * takes 1 to 2 kB, and as long as a check of a request's keys: only a wait that is nearly over has one.
 */
export class Waits {
  readonly #far = new Set<Wait>();
  readonly #nearMs: number;

  /** `tickMs`: how often tick() will be called. Default: never; then every wait has its timer at once. */
  constructor(tickMs = Infinity) {
    this.#nearMs = SLACK * tickMs;
  }

  /** Calls `expire` after so many ms, as setTimeout() does, unless the wait ends before. */
  begin(ms: number, expire: () => void): Wait {
    const wait = new Wait(this.#far, performance.now() + ms, expire);
    if (ms <= this.#nearMs) wait.setTimer();
    else this.#far.add(wait);
    return wait;
  }

  /** Sets the timers of those that are over before the next tick. */
  tick(): void {
    const near = performance.now() + this.#nearMs;
    for (const wait of this.#far) if (wait.until <= near) wait.setTimer();
  }
}
