/** A worker remembers so many: about 8 MB. */
const MAX_ENDED = 50_000;

/** Hashes of sessions that ended, each for as long as a token of that session may live. */
export class Ended {
  readonly #until = new Map<string, number>();

  constructor(readonly lifeMs: number, readonly now: () => number) {}

  /** Notes what is new, and returns it. */
  add(hashes: readonly string[]): string[] {
    const until = this.now() + this.lifeMs;
    const news = hashes.filter((hash) => !this.has(hash));
    for (const hash of news) this.#until.set(hash, until);
    for (const [oldest, end] of this.#until) {
      if (this.#until.size <= MAX_ENDED && end > this.now()) break;
      this.#until.delete(oldest);
    }
    return news;
  }

  has(hash: string): boolean {
    return (this.#until.get(hash) ?? 0) > this.now();
  }
}
