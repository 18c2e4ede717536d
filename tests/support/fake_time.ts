/** Timers that run when a test says so; undone at the end of its block. */
export class FakeTime {
  /** Milliseconds. */
  now = 0;
  readonly #real = { setTimeout, clearTimeout };
  readonly #timers = new Map<number, { at: number; work: () => void }>();
  #count = 0;

  constructor() {
    Object.assign(globalThis, {
      setTimeout: (work: () => void, ms = 0) => {
        this.#timers.set(++this.#count, { at: this.now + Math.max(0, ms), work });
        return this.#count;
      },
      clearTimeout: (id: number) => void this.#timers.delete(id),
    });
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs, in their order, the timers up to this time. */
  until(end: number): void {
    while (true) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (!next || next[1].at > end) break;
      const [id, { at, work }] = next;
      this.#timers.delete(id);
      this.now = at;
      work();
    }
    if (end !== Infinity) this.now = end;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
