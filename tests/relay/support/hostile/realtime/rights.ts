import type { Time } from "../world/time.ts";

export type Right = "read" | "write";

/** Who may read and write which private topic: what policies on realtime.messages say. */
export class Rights {
  /** By topic, role and right: when it was given and taken, the oldest first. */
  readonly #history = new Map<string, { at: number; may: boolean }[]>();

  constructor(readonly time: Time) {}

  set(topic: string, role: string, right: Right, may: boolean): void {
    const name = nameOf(topic, role, right);
    const history = this.#history.get(name) ?? [];
    this.#history.set(name, history);
    if ((history.at(-1)?.may ?? false) !== may) history.push({ at: this.time.now, may });
  }

  may(topic: string, role: string, right: Right): boolean {
    return this.#history.get(nameOf(topic, role, right))?.at(-1)?.may ?? false;
  }

  /** True if it held at any time since then. */
  heldSince(topic: string, role: string, right: Right, since: number): boolean {
    const history = this.#history.get(nameOf(topic, role, right)) ?? [];
    return history.some(({ may }, place) => may && (history[place + 1]?.at ?? Infinity) >= since);
  }
}

const nameOf = (topic: string, role: string, right: Right) => [topic, role, right].join();
