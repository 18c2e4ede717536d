import type { Frame } from "../frame.ts";

/** Pushes that wait for a link, in order, up to a number of bytes. */
export class Queue {
  /** Exact for binary, UTF-16 units for text. */
  bytes = 0;
  #frames: Frame[] = [];
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False where there is no room. */
  add(frame: Frame): boolean {
    const hasRoom = this.bytes + sizeOf(frame) <= this.#maxBytes;
    if (hasRoom) {
      this.bytes += sizeOf(frame);
      this.#frames.push(frame);
    }
    return hasRoom;
  }

  /** Takes those that pass the test. */
  take(test: (frame: Frame) => boolean): Frame[] {
    const taken = this.#frames.filter(test);
    this.#frames = this.#frames.filter((frame) => !test(frame));
    for (const frame of taken) this.bytes -= sizeOf(frame);
    return taken;
  }
}

const sizeOf = ({ raw }: Frame): number => typeof raw === "string" ? raw.length : raw!.byteLength;
