import { Batch, bytesOf, lineOf, MAX_BATCH_BYTES } from "../../peer/batch.ts";
import { type Entry, type Log, sizeOf } from "./log.ts";
import type { Seat } from "./seat.ts";

/** What a seat is handed at once: an entry of the log, or several in one text. */
export interface Parcel {
  /** How many entries it is. */
  readonly count: number;
  /** How many of them are the same for all. */
  readonly same: number;
  /** In bytes, or UTF-16 units of text. */
  readonly size: number;
  /** The first of them, and the only one where there is no batch. */
  readonly entry: Entry;
  readonly batch?: Batch;
}

/** Those who catch up are at many places: their texts are not to be many. */
const MOST = 16;

export interface ParcelsOptions {
  log: Log;
  /** The text of an entry that is none of binary. */
  textOf(entry: Entry, seat: Seat): string;
}

/**
 * Puts together what lies between a seat's cursor and the end, as much as one message holds: text up
 * to a bound, a binary frame by itself, and the last frame of a channel by itself. Seats at one place
 * share what is made, unless frames with refs of their own are in it; then those with the same refs.
 */
export class Parcels {
  readonly #made = new Map<number | string, Parcel>();

  constructor(readonly options: ParcelsOptions) {}

  /** What the seat, which is behind the end, gets next. */
  next(seat: Seat): Parcel {
    const { cursor } = seat;
    const shared = this.#made.get(cursor);
    if (shared) return shared;
    const stop = this.#stopOf(cursor);
    const isShared = this.#isSame(cursor, stop);
    const name = isShared ? cursor : `${cursor} ${seat.joinRef}`;
    const made = this.#made.get(name) ?? this.#make(seat, stop);
    if (this.#made.size >= MOST) this.#made.clear();
    this.#made.set(name, made);
    return made;
  }

  /** Forgets what was made; to be called whenever the log has changed. */
  clear(): void {
    this.#made.clear();
  }

  /** Behind the entries that may share a message with the one at this place; of more none is looked at. */
  #stopOf(cursor: number): number {
    const { log } = this.options;
    let [place, size] = [cursor, 0];
    while (place < log.end && size <= MAX_BATCH_BYTES && isText(log.at(place))) {
      size += sizeOf(log.at(place++));
    }
    return Math.max(place, cursor + 1);
  }

  #isSame(cursor: number, stop: number): boolean {
    for (let place = cursor; place < stop; place++) {
      if (this.options.log.at(place).parts) return false;
    }
    return true;
  }

  #make(seat: Seat, stop: number): Parcel {
    const { log, textOf } = this.options;
    const entry = log.at(seat.cursor);
    const lines: string[] = [];
    let bytes = -1;
    // A single frame needs no look at its text.
    for (let place = seat.cursor; stop - seat.cursor > 1 && place < stop; place++) {
      const line = lineOf(textOf(log.at(place), seat));
      bytes += 1 + bytesOf(line);
      if (bytes > MAX_BATCH_BYTES) break;
      lines.push(line);
    }
    if (lines.length < 2) return singleOf(entry);
    const batch = Batch.of(lines);
    const { count, length: size } = batch;
    const place = seat.cursor;
    const same = lines.filter((_, n) => !log.at(place + n).parts).length;
    return { entry, batch, count, same, size };
  }
}

/** One entry, to be handed alone. */
export const singleOf = (entry: Entry): Parcel => ({
  entry,
  count: 1,
  same: entry.parts ? 0 : 1,
  size: sizeOf(entry),
});

const isText = ({ message, isEnd }: Entry): boolean =>
  !isEnd && (message === undefined || typeof message === "string");
