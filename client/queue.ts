import { type Data, type Frame, sizeOf } from "./frame.ts";

interface Waiting {
  frame: Frame;
  data: Data;
}

/** Pushes that wait for a link, in order, up to a number of bytes. */
export class Queue {
  #waiting: Waiting[] = [];
  bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** False where there is no room. */
  add(frame: Frame, data: Data): boolean {
    const size = sizeOf(data);
    if (this.bytes + size > this.maxBytes) return false;
    this.bytes += size;
    this.#waiting.push({ frame, data });
    return true;
  }

  /** Takes what waits for a topic. */
  take(topic: string): Waiting[] {
    return this.#remove((waiting) => waiting.frame.topic === topic);
  }

  clear(): Waiting[] {
    return this.#remove(() => true);
  }

  #remove(test: (waiting: Waiting) => boolean): Waiting[] {
    const taken = this.#waiting.filter(test);
    this.#waiting = this.#waiting.filter((waiting) => !test(waiting));
    for (const { data } of taken) this.bytes -= sizeOf(data);
    return taken;
  }
}
