import { OPEN } from "../../../supabase/functions/relay/runtime.ts";

/** How often those that wait are looked at: what the kernel still holds for a reader lasts longer. */
const LOOK_MS = 20;

/** A reader that takes nothing for so long is given up: its own heartbeats, every 25 s, wait as well. */
const STALL_MS = 15_000;

/** A socket whose messages can be made to wait. */
export interface Paced {
  pause(): void;
  resume(): void;
}

/** Who is sent what comes of it. */
export interface Reader {
  readonly readyState: number;
  /** Bytes that wait in this process. */
  readonly bufferedAmount: number;
  /** The same, less what of a write that is under way was taken. */
  readonly untaken: number;
}

interface Held {
  reader: Reader;
  onUnread: () => void;
  untaken: number;
  since: number;
}

/**
 * Lets sockets wait for their readers: one is paused when more than `most` bytes wait for its reader,
 * and resumed when no more than half of that does, so nothing is lost and memory stays. A reader that
 * takes nothing for 15 s is told of.
 */
export class Pacer {
  readonly #held = new Map<Paced, Held>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(readonly most: number, readonly now: () => number = () => performance.now()) {}

  /** To be called when something was sent on to the reader. */
  passed(paced: Paced, reader: Reader, onUnread: () => void): void {
    if (reader.bufferedAmount <= this.most || this.#held.has(paced)) return;
    paced.pause();
    this.#held.set(paced, { reader, onUnread, untaken: reader.untaken, since: this.now() });
    this.#timer ??= setInterval(() => this.look(), LOOK_MS);
  }

  /** To be called before the socket is closed: its peer's answer would wait too. */
  release(paced: Paced): void {
    if (this.#held.delete(paced)) paced.resume();
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    for (const [paced, held] of this.#held) {
      const { reader } = held;
      if (reader.readyState !== OPEN || reader.bufferedAmount <= this.most / 2) {
        this.release(paced);
      } else if (reader.untaken < held.untaken) {
        Object.assign(held, { untaken: reader.untaken, since: this.now() });
      } else if (this.now() - held.since >= STALL_MS) {
        this.release(paced);
        held.onUnread();
      }
    }
  }
}
