/**
 * Which events the application has had. An identity is kept for `keepMs` of activity: it is dropped
 * when a newer one comes, so that a silent hour forgets nothing that a reader may still bring again.
 */
export class Seen {
  readonly #at = new Map<string, number>();

  /** `max` bounds the memory of a topic; at 300 events a second it is reached in a minute. */
  constructor(private readonly keepMs: number, private readonly max = 20_000) {}

  get size(): number {
    return this.#at.size;
  }

  has(id: string): boolean {
    return this.#at.has(id);
  }

  add(id: string, now: number): void {
    this.#at.delete(id);
    this.#at.set(id, now);
    for (const [oldest, at] of this.#at) {
      if (this.#at.size <= this.max && now - at <= this.keepMs) return;
      this.#at.delete(oldest);
    }
  }

  delete(id: string): void {
    this.#at.delete(id);
  }
}
