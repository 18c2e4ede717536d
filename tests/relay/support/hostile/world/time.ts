import { setImmediate } from "node:timers";

/** When every world begins: far from the machine's own clock, so that nothing reads that one. */
export const EPOCH = Date.UTC(2030, 0, 1);

interface Timer {
  /** By which the relay knows it. */
  id?: number;
  at: number;
  /** What is due at one time: see RANK. */
  rank: number;
  order: number;
  every?: number;
  /** Of the relay, and not of the world around it. */
  isRelays: boolean;
  work: (() => void) | undefined;
}

/** What is due in a stand's last moment: what has come is read behind the timers, or before them. */
const RANK = { early: 0, late: 1, arrived: 2, due: 3 };

/** Of a standstill the relay takes so much for a time awake: so late may it look at its clock. */
const UNSEEN_MS = 600;

/** A time in which the worker stood still. */
interface Stand {
  from: number;
  to: number;
  /** Of what has come meanwhile. */
  rank: number;
}

/** What the relay finds in place of the machine's clock, timers and dice, from world to world anew. */
export class Time implements Disposable {
  now = EPOCH;
  /** Real work that is under way off this thread: signatures. */
  busy = 0;
  /** The relay's timers that have not run; those that repeat are not counted. */
  pending = 0;
  #ids = 0;
  #order = 0;
  readonly #heap: Timer[] = [];
  readonly #byId = new Map<number, Timer>();
  /** In their order; the last may last still. */
  readonly #stands: Stand[] = [];
  readonly #real = {
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    Date,
    random: Math.random,
    timeout: AbortSignal.timeout,
  };

  /** `onCrash` gets what a timer's work throws. */
  constructor(seed: number, readonly onCrash: (error: unknown) => void) {
    const remove = (id?: number) => this.#remove(id!);
    Object.assign(globalThis, {
      setTimeout: (work: () => void, ms?: number) => this.#keep(work, ms),
      setInterval: (work: () => void, ms?: number) => this.#keep(work, ms, ms),
      clearTimeout: remove,
      clearInterval: remove,
      Date: dateOf(() => this.now, Date),
    });
    Math.random = numbers(seed);
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController();
      const work = () => controller.abort(new DOMException("timed out", "TimeoutError"));
      this.#push({ at: this.now + ms, ...this.#place(RANK.due), isRelays: true, work });
      return controller.signal;
    };
  }

  /** The world's own timer. */
  after(ms: number, work: () => void): void {
    this.#push({ at: this.now + ms, ...this.#place(RANK.due), isRelays: false, work });
  }

  /**
   * The worker stands still: none of its timers runs, and it notices nothing, for so long. Then its
   * timers run that were due, and it reads what has come; or the other way round, as Node does that
   * stood still while it waited. To be called while it is awake.
   */
  stand(ms: number, readsFirst: boolean): void {
    const rank = readsFirst ? RANK.early : RANK.arrived;
    this.#stands.push({ from: this.now, to: this.now + ms, rank });
  }

  /** How long the worker will stand still yet. */
  get untilThaw(): number {
    return Math.max(0, this.#thawsAt - this.now);
  }

  /** What the worker is to notice comes to it: now, or when it comes to. */
  arrive(work: () => void): void {
    if (this.untilThaw === 0) return work();
    const { to, rank } = this.#stands.at(-1)!;
    this.#push({ at: to, ...this.#place(rank), isRelays: false, work });
  }

  /** For how long the worker could have known, and done, what was due then. */
  sinceDue(at: number): number {
    return this.now - Math.max(at, this.#thawsAt);
  }

  /** For how long it could have known that it has been awake for `ms` since then. */
  sinceWaited(at: number, ms: number): number {
    return this.sinceDue(at + ms + this.stoodSince(at));
  }

  /** For how long it stood still since then. */
  stoodSince(at: number): number {
    return this.#stoodSince(at, 0);
  }

  #stoodSince(at: number, less: number): number {
    return this.#stands.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, this.now) - Math.max(from, at) - less),
      0,
    );
  }

  /**
   * For how long the relay knows that it stood still since then: of each time it takes the first moment
   * for one in which it was awake.
   */
  stoodKnownSince(at: number): number {
    return this.#stoodSince(at, UNSEEN_MS);
  }

  /** Since when it has been awake for so long in all. */
  awakeFor(ms: number): number {
    let at = this.now - ms;
    for (const { from, to } of this.#stands.toReversed()) if (to > at) at -= to - from;
    return at;
  }

  /** Lets so much time pass; what is due runs in its order, with all that follows from it. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await this.settle();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.now = Math.max(this.now, timer.at);
      this.#run(timer);
      await this.settle();
    }
    this.now = end;
  }

  /** Lets all run that waits for no timer. */
  async settle(turns = 1): Promise<void> {
    for (let turn = 0; turn < turns || this.busy > 0; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  [Symbol.dispose](): void {
    const { random, timeout, ...rest } = this.#real;
    Object.assign(globalThis, rest);
    Math.random = random;
    AbortSignal.timeout = timeout;
  }

  #keep(work: () => void, ms = 0, every?: number): number {
    const at = this.now + Math.max(0, ms);
    const id = ++this.#ids;
    const timer = { id, at, ...this.#place(RANK.due), every, isRelays: true, work };
    if (every === undefined) this.pending++;
    this.#byId.set(id, timer);
    this.#push(timer);
    return id;
  }

  get #thawsAt(): number {
    return this.#stands.at(-1)?.to ?? -Infinity;
  }

  /** Behind what is due at the same time, and of the same rank. */
  #place(rank: number): { rank: number; order: number } {
    return { rank, order: ++this.#order };
  }

  #remove(id: number): void {
    const timer = this.#byId.get(id);
    if (!timer) return;
    this.#byId.delete(id);
    timer.work = undefined;
    if (timer.every === undefined) this.pending--;
  }

  #run(timer: Timer): void {
    const { work, every, id } = timer;
    if (every !== undefined) {
      this.#push(Object.assign(timer, { at: this.now + every, ...this.#place(RANK.due) }));
    } else if (id !== undefined && this.#byId.delete(id)) this.pending--;
    try {
      work!();
    } catch (error) {
      this.onCrash(error);
    }
  }

  /** Takes the next timer that is due until then. */
  #next(end: number): Timer | undefined {
    while (this.#heap.length > 0 && this.#heap[0].at <= end) {
      const timer = this.#pop();
      if (!timer.work) continue;
      if (!timer.isRelays || timer.at >= this.#thawsAt) return timer;
      // In the order in which they were due.
      Object.assign(timer, { at: this.#thawsAt, ...this.#place(RANK.late) });
      this.#push(timer);
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let place = heap.push(timer) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(heap[place], heap[above])) return;
      [heap[place], heap[above]] = [heap[above], heap[place]];
      place = above;
    }
  }

  #pop(): Timer {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let place = 0;;) {
      let least = place;
      for (const below of [2 * place + 1, 2 * place + 2]) {
        if (below < heap.length && isBefore(heap[below], heap[least])) least = below;
      }
      if (least === place) return first;
      [heap[place], heap[least]] = [heap[least], heap[place]];
      place = least;
    }
  }
}

const isBefore = (a: Timer, b: Timer) =>
  a.at !== b.at ? a.at < b.at : a.rank !== b.rank ? a.rank < b.rank : a.order < b.order;

function dateOf(now: () => number, Real: DateConstructor): DateConstructor {
  return class extends Real {
    constructor(...given: unknown[]) {
      super(...(given.length === 0 ? [now()] : given) as []);
    }
    static override now = now;
  } as DateConstructor;
}

/** Numbers from 0 to 1 that repeat from run to run. */
export function numbers(seed: number): () => number {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}
