import { RelayError } from "../errors.ts";

/** Realtime's own bound on a payload is 3000 kB. */
export const MAX_BODY_BYTES = 3_000_000;

/** All that are under way in a worker: a sixteenth of an Edge Function's memory. */
export const MAX_BODIES_BYTES = 16 << 20;

/** A longer body is large, and so is one that does not say how long it will be. */
const MAX_SMALL_BYTES = 65_536;

/** What a small body counts for at least: its request costs about that much. */
const LEAST_BYTES = 16_384;

/** What a large one counts for from its beginning: the host's HTTP server reads ahead. */
const AHEAD_BYTES = 1 << 20;

/** Of one sender 4 large bodies are read at once, or 32 small ones. */
const MAX_SHARE = 4 * MAX_BODY_BYTES;
const LEAST_SHARE = MAX_SHARE / 32;

/** Where the bytes are counted that a worker holds: Kept of peer/unsent.ts, in the sum of all. */
export interface Memory {
  /** Takes so many, or answers false and takes none. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** A body that is under way: read, judged, or sent on. */
export interface Body {
  /** So many bytes of it are here. Throws `too_big` or `too_many_bodies`. */
  hold(bytes: number): void;
  /** It is here, and has so many bytes. */
  whole(bytes: number): void;
  /** Gives back all that it took; a second time nothing. */
  leave(): void;
}

/** The bodies that are under way: few of each sender, and of all a bounded sum of bytes. */
export class Bodies {
  readonly #memory: Memory;
  readonly #shares = new Map<string, number>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** How many senders have a body under way. */
  get senders(): number {
    return this.#shares.size;
  }

  /**
   * Lets in a body whose content-length is `announced`; undefined where it has none. Throws `too_big`,
   * or `too_many_bodies` where its sender has enough under way or the worker has no room for it.
   */
  enter(sender: string, announced = MAX_BODY_BYTES): Body {
    checkSize(announced);
    let [share, held] = [0, 0];
    const become = (nextShare: number, nextHeld: number) => {
      this.#share(sender, nextShare - share);
      share = nextShare;
      this.#hold(nextHeld - held);
      held = nextHeld;
    };
    const leave = () => become(0, 0);
    try {
      if (announced <= MAX_SMALL_BYTES) become(LEAST_SHARE, Math.max(LEAST_BYTES, announced));
      else {
        // There must be room for the longest, which is not taken: announcements fill no worker.
        become(MAX_BODY_BYTES, MAX_BODY_BYTES);
        become(MAX_BODY_BYTES, AHEAD_BYTES);
      }
    } catch (error) {
      leave();
      throw error;
    }
    return {
      leave,
      hold(bytes) {
        checkSize(bytes);
        become(Math.max(share, bytes), Math.max(held, bytes));
      },
      whole: (bytes) => become(Math.max(LEAST_SHARE, bytes), Math.max(LEAST_BYTES, bytes)),
    };
  }

  #share(sender: string, more: number): void {
    const share = (this.#shares.get(sender) ?? 0) + more;
    if (more > 0 && share > MAX_SHARE) {
      throw new RelayError("too_many_bodies", "The sender has too many broadcasts under way.");
    }
    if (share > 0) this.#shares.set(sender, share);
    else this.#shares.delete(sender);
  }

  #hold(more: number): void {
    if (more <= 0) this.#memory.give(-more);
    else if (!this.#memory.take(more)) {
      throw new RelayError("too_many_bodies", "The worker has too many broadcasts under way.");
    }
  }
}

function checkSize(bytes: number): void {
  if (bytes <= MAX_BODY_BYTES) return;
  throw new RelayError("too_big", `The body is over ${MAX_BODY_BYTES} bytes.`);
}
