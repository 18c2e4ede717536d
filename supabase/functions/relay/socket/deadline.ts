import type { Wait, Waits } from "../peer/waits.ts";

/** The clock is looked at so often: it may be set, and a machine may sleep. */
const STEP_MS = 60_000;

/** Calls `expire` when the clock has reached a time that may be moved, and at once where that is past. */
export class Deadline {
  #wait: Wait | undefined;

  constructor(readonly waits: Waits, readonly now: () => number, readonly expire: () => void) {}

  set(at: number): void {
    this.clear();
    this.#wait = this.waits.begin(Math.min(at - this.now(), STEP_MS), () => {
      if (this.now() < at) this.set(at);
      else this.expire();
    });
  }

  clear(): void {
    this.#wait?.end();
    this.#wait = undefined;
  }
}
