import type { Parts } from "../../realtime/frame.ts";
import type { Message } from "../../runtime.ts";

/** One frame for the seats of a group: the same for all, or with refs that differ from seat to seat. */
export type Entry =
  & (
    | { readonly message: Message; readonly parts?: undefined }
    | { readonly message?: undefined; readonly parts: Parts }
  )
  & {
    /** The channel ends with it. */
    readonly isEnd?: boolean;
  };

/** The refs of a frame that is written for a seat. */
const REFS_LENGTH = 64;

/** In bytes, or UTF-16 units of text. */
export function sizeOf({ message, parts }: Entry): number {
  if (parts) return parts.tail.length + REFS_LENGTH;
  return typeof message === "string" ? message.length : message.byteLength;
}

/**
 * The frames of a channel that somebody has not been sent yet, in their order. Places in it are
 * counted from the first frame that ever came, so they stay what they are when it is cut.
 */
export class Log {
  readonly #entries: Entry[] = [];
  /** Of each entry, the size of all that came before it. */
  readonly #offsets: number[] = [];
  #first = 0;
  #total = 0;

  /** The place behind the newest entry. */
  get end(): number {
    return this.#first + this.#entries.length;
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
    this.#offsets.push(this.#total);
    this.#total += sizeOf(entry);
  }

  at(place: number): Entry {
    return this.#entries[place - this.#first];
  }

  /** How much lies from this place on, in bytes or UTF-16 units. */
  sizeFrom(place: number): number {
    return place < this.end ? this.#total - this.#offsets[place - this.#first] : 0;
  }

  /** Forgets what stands before this place; returns its size. */
  cut(place: number): number {
    const size = this.sizeFrom(this.#first) - this.sizeFrom(place);
    const count = place - this.#first;
    if (count === 0) return 0;
    this.#entries.splice(0, count);
    this.#offsets.splice(0, count);
    this.#first = place;
    return size;
  }
}
