import { setImmediate } from "node:timers";

/** When every world begins: far from the machine's own clock, so that nothing reads that one. */
export const EPOCH = Date.UTC(2030, 0, 1);

interface Timer {
  at: number;
  order: number;
  every?: number;
  /** Of the relay, and not of the world around it. */
  isRelays: boolean;
  work: (() => void) | undefined;
}

/** What the relay finds in place of the machine's clock, timers and dice, from world to world anew. */
export class Time implements Disposable {
  now = EPOCH;
  /** Real work that is under way off this thread: signatures. */
  busy = 0;
  /** The relay's timers that have not run; those that repeat are not counted. */
  pending = 0;
  #order = 0;
  readonly #heap: Timer[] = [];
  readonly #byId = new Map<number, Timer>();
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
    performance.now = () => this.now;
    Math.random = numbers(seed);
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController();
      this.after(ms, () => controller.abort(new DOMException("timed out", "TimeoutError")));
      return controller.signal;
    };
  }

  /** The world's own timer. */
  after(ms: number, work: () => void): void {
    this.#push({ at: this.now + ms, order: ++this.#order, isRelays: false, work });
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
    // The prototype's shows again.
    delete (performance as Partial<Performance>).now;
    AbortSignal.timeout = timeout;
  }

  #keep(work: () => void, ms = 0, every?: number): number {
    const order = ++this.#order;
    const timer = { at: this.now + Math.max(0, ms), order, every, isRelays: true, work };
    if (every === undefined) this.pending++;
    this.#byId.set(order, timer);
    this.#push(timer);
    return order;
  }

  #remove(id: number): void {
    const timer = this.#byId.get(id);
    if (!timer) return;
    this.#byId.delete(id);
    timer.work = undefined;
    if (timer.every === undefined) this.pending--;
  }

  #run(timer: Timer): void {
    const { work, every, isRelays, order } = timer;
    if (every !== undefined) this.#push(Object.assign(timer, { at: timer.at + every }));
    else if (isRelays) {
      this.pending--;
      this.#byId.delete(order);
    }
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
      if (timer.work) return timer;
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

const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);

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
