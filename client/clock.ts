import type { Host } from "./host.ts";

/** Time, chance, and timers by name: setting one again replaces it, and all can be stopped at once. */
export class Clock {
  readonly #host: Host;
  readonly #running = new Map<string, unknown>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#host.now();
  }

  /** From 0 to 1. */
  random(): number {
    return this.#host.random();
  }

  later(name: string, ms: number, then: () => unknown): void {
    this.clear(name);
    const timer = this.#host.setTimeout(() => {
      this.#running.delete(name);
      then();
    }, ms);
    this.#running.set(name, timer);
  }

  /** Stops these timers, or all. */
  clear(...names: string[]): void {
    for (const name of names.length > 0 ? names : this.#running.keys()) {
      this.#host.clearTimeout(this.#running.get(name));
      this.#running.delete(name);
    }
  }
}
