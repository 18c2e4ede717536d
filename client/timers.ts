import type { Host } from "./host.ts";

/** Timers by name: setting one again replaces it, and all can be stopped at once. */
export class Timers {
  readonly #running = new Map<string, unknown>();

  constructor(private readonly host: Host) {}

  set(name: string, ms: number, then: () => void): void {
    this.clear(name);
    const timer = this.host.setTimeout(() => {
      this.#running.delete(name);
      then();
    }, ms);
    this.#running.set(name, timer);
  }

  clear(name: string): void {
    this.host.clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  clearAll(): void {
    for (const name of [...this.#running.keys()]) this.clear(name);
  }
}
