import { setImmediate } from "node:timers";

/** Timers that run when a test says so, in place of the global ones. */
export class Clock implements Disposable {
  /** Milliseconds since the epoch; begins now, as tokens of these tests do. */
  time = Date.now();
  #last = 0;
  readonly #timers = new Map<number, { at: number; every?: number; work: () => void }>();
  readonly #real = { setTimeout, clearTimeout, setInterval, clearInterval };

  constructor() {
    const add = (work: () => void, ms = 0, every?: number) => {
      this.#timers.set(++this.#last, { at: this.time + ms, every, work });
      return this.#last;
    };
    const remove = (id?: number) => void this.#timers.delete(id!);
    Object.assign(globalThis, {
      setTimeout: (work: () => void, ms?: number) => add(work, ms),
      setInterval: (work: () => void, ms?: number) => add(work, ms, ms),
      clearTimeout: remove,
      clearInterval: remove,
    });
  }

  now = (): number => this.time;

  /** Timers that have not run; those that repeat are not counted. */
  get pending(): number {
    return [...this.#timers.values()].filter(({ every }) => every === undefined).length;
  }

  /** Lets so much time pass; what is due runs in its order, with all that follows from it. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    while (true) {
      await this.settle(1);
      const due = [...this.#timers].filter(([, { at }]) => at <= end)
        .sort(([a, first], [b, second]) => first.at - second.at || a - b)[0];
      if (!due) break;
      const [id, timer] = due;
      this.time = Math.max(this.time, timer.at);
      if (timer.every) timer.at += timer.every;
      else this.#timers.delete(id);
      timer.work();
    }
    this.time = end;
    await this.settle();
  }

  /** Lets all run that waits for no timer. */
  async settle(turns = 5): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
