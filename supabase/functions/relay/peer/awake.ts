/** How often it is looked at the clock, and how much later a look may come than it was to. */
export const LOOK_MS = 500;
const LATE_MS = 100;

/** What has come to a worker that stood still is read in so long. */
const READ_MS = 500;

/** Nobody asks for what was longer ago. */
const KEPT_MS = 180_000;

/** A time in which the worker stood still, or the last moments before that. */
interface Stand {
  from: number;
  to: number;
}

/**
 * A clock that does not run while the worker stands still: in a long collection of garbage, on a host
 * that is frozen or asleep. When it comes to, its timers run before it reads what has come meanwhile,
 * so whoever waits for a peer is to wait by this clock: nobody could be seen to answer, or to read.
 */
export class Awake {
  #ms: number;
  #lookedAt: number;
  /** Its time when the worker last came to. */
  #cameTo = -Infinity;
  #stands: Stand[] = [];

  /** `isWatched` where look() is called every LOOK_MS; where not, nobody knows of any standstill. */
  constructor(readonly now: () => number, readonly isWatched: boolean) {
    this.#ms = this.#lookedAt = now();
  }

  /** The time in milliseconds; `within` is after how many of them it was to be looked again. */
  look(within = LOOK_MS): number {
    const now = this.now();
    const passed = Math.max(0, now - this.#lookedAt);
    this.#ms += this.isWatched ? Math.min(passed, within + LATE_MS) : passed;
    if (this.isWatched && passed > LOOK_MS + LATE_MS) this.#note({ from: this.#lookedAt, to: now });
    this.#lookedAt = now;
    return this.#ms;
  }

  /** Since when it stood still for the first time behind `time`, by the worker's own clock. */
  stoodSince(time: number): number | undefined {
    this.look();
    return this.#stands.find(({ to }) => to > time)?.from;
  }

  /** Does the work when so much has passed, and what came meanwhile is read. Returns what ends that. */
  after(ms: number, work: () => void): () => void {
    const end = this.look() + ms;
    const look = () => {
      const now = this.look();
      const left = Math.max(end, this.#cameTo + READ_MS) - now;
      if (left > 0 && this.isWatched) timer = setTimeout(look, left);
      else work();
    };
    let timer = setTimeout(look, ms);
    return () => clearTimeout(timer);
  }

  #note(stand: Stand): void {
    this.#cameTo = this.#ms;
    this.#stands = this.#stands.filter(({ to }) => to > stand.to - KEPT_MS);
    this.#stands.push(stand);
  }
}
