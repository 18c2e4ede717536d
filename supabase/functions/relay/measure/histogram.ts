/** What was counted: how many took no longer than each bound, and how long all took together. */
export interface HistogramReport {
  /** For each bound, in ms; behind the last one, of all. */
  counts: number[];
  sumMs: number;
}

/**
 * How often something took how long, since the worker began. To note one is to count up a cell of an
 * array: nothing is allocated.
 */
export class Histogram {
  /** For each bound those that took no longer, and longer than the one before; last, all others. */
  readonly #cells: Float64Array;
  #sumMs = 0;

  /** `bounds`: in ms, rising. */
  constructor(readonly bounds: readonly number[]) {
    this.#cells = new Float64Array(bounds.length + 1);
  }

  /** The system's clock may be set back meanwhile, which counts as no time. */
  note(ms: number): void {
    let cell = 0;
    while (cell < this.bounds.length && ms > this.bounds[cell]) cell++;
    this.#cells[cell]++;
    if (ms > 0) this.#sumMs += ms;
  }

  report(): HistogramReport {
    let count = 0;
    return { counts: Array.from(this.#cells, (cell) => count += cell), sumMs: this.#sumMs };
  }
}
