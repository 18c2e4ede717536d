/** The same choices for the same seed (mulberry32): what a fuzzer found can be found again. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 up to, and without, `end`. */
  below(end: number): number {
    let mixed = this.#state = this.#state + 0x6d2b79f5 >>> 0;
    mixed = Math.imul(mixed ^ mixed >>> 15, mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * end);
  }

  /** True in one of so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** Characters of these, up to, and without, so many. */
  text(characters: string, end: number): string {
    return Array.from({ length: this.below(end) }, () => this.pick([...characters])).join("");
  }

  bytes(end: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: this.below(end) }, () => this.below(256));
  }
}
