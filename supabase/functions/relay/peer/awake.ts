/** How often it is looked at the clock, and how much later a look may come than it was to. */
export const LOOK_MS = 500;
const LATE_MS = 100;

/** What has come to a worker that stood still is read in so long. */
const READ_MS = 500;

/** Nobody asks for what was longer ago. */
const KEPT_MS = 180_000;

/** A wait with no more left than this may be over before the next look: it has a timer. */
const NEAR_MS = LOOK_MS + LATE_MS;

/** A time in which the worker stood still, or the last moments before that. */
interface Stand {
  from: number;
  to: number;
}

/** What after() began. */
interface Wait {
  /** By the clock of Awake. */
  end: number;
  work(): void;
  timer?: ReturnType<typeof setTimeout>;
}

/**
 * A clock that does not run while the worker stands still: in a long collection of garbage, on a host
 * that is frozen or asleep. When it comes to, its timers run before it reads what has come meanwhile,
 * so whoever waits for a peer is to wait by this clock: nobody could be seen to answer, or to read.
 *
 * Nearly all that sockets wait for comes long before the time is up, and a timer of the platform's takes
 * 1 to 2 kB and as long as a check of a request's keys: only a wait that is nearly over has one.
 */
export class Awake {
  #ms: number;
  #lookedAt: number;
  /** Its time when the worker last came to. */
  #cameTo = -Infinity;
  #stands: Stand[] = [];
  /** Waits without a timer. */
  readonly #far = new Set<Wait>();

  /** `isWatched` where tick() is called every LOOK_MS; where not, nobody knows of any standstill. */
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

  /** Looks, and sets the timers of waits that are over before it is looked again. */
  tick(): void {
    this.look();
    for (const wait of this.#far) if (this.#leftOf(wait) <= NEAR_MS) this.#setTimer(wait);
  }

  /** Does the work when so much has passed, and what came meanwhile is read. Returns what ends that. */
  after(ms: number, work: () => void): () => void {
    const wait: Wait = { end: this.look() + ms, work };
    this.#begin(wait);
    return () => {
      this.#far.delete(wait);
      clearTimeout(wait.timer);
    };
  }

  #begin(wait: Wait): void {
    if (this.isWatched && this.#leftOf(wait) > NEAR_MS) this.#far.add(wait);
    else this.#setTimer(wait);
  }

  #setTimer(wait: Wait): void {
    this.#far.delete(wait);
    wait.timer = setTimeout(() => {
      this.look();
      if (this.isWatched && this.#leftOf(wait) > 0) this.#begin(wait);
      else wait.work();
    }, this.#leftOf(wait));
  }

  #leftOf({ end }: Wait): number {
    return Math.max(end, this.#cameTo + READ_MS) - this.#ms;
  }

  #note(stand: Stand): void {
    this.#cameTo = this.#ms;
    this.#stands = this.#stands.filter(({ to }) => to > stand.to - KEPT_MS);
    this.#stands.push(stand);
  }
}
