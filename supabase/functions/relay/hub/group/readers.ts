import type { Histogram } from "../../measure/histogram.ts";
import type { Ending, Turn } from "../../peer/turn.ts";
import { MAX_BATCH_BYTES } from "../../peer/batch.ts";
import { type Entry, Log } from "./log.ts";
import { type Parcel, Parcels, type ParcelsOptions, singleOf } from "./parcels.ts";
import type { Seat } from "./seat.ts";

/** How often it is looked whether those who are behind can be sent more. */
export const LOOK_MS = 10;

/** Whoever has read nothing for so long, though something lies there, is cut off. */
const STUCK_MS = 10_000;

/**
 * Where memory is short, whoever has much unread is to read this much in this time: less than what
 * a slow mobile network carries. Of a large message nothing is seen to be read before all of it is,
 * so it has the time that it takes at `rate`, in bytes a millisecond.
 */
const CROWDED = { bytes: 64 << 10, ms: 1_000, rate: 512 };

export interface ReadersOptions extends Pick<ParcelsOptions, "textOf"> {
  turn: Turn;
  /** Memory for what somebody has not been sent yet: no more than one peer may have unsent. */
  kept: { take(bytes: number): boolean; give(bytes: number): void };
  /** True where memory is short. */
  isCrowded(): boolean;
  now(): number;
  /** Told how long it took to send what came in a turn to all who have room. */
  took: Pick<Histogram, "note">;
  /** Somebody is behind: catchUp() is to be called every LOOK_MS until it returns false. */
  onBehind(): void;
  /** Hands an entry, or what the parcel has of several, to a seat. */
  deliver(seat: Seat, parcel: Parcel): void;
  /** A defect of the relay's own. */
  onFail(error: unknown): void;
}

/** What a seat that is behind had left unread when that last fell, and when; Infinity until looked. */
interface Lag {
  bytes: number;
  since: number;
}

/**
 * Those who read one log. Each is sent what lies between its cursor and the end while its socket has
 * room: at once, or at the end of the turn where it takes several frames in a message. What all have
 * been sent is forgotten. So a frame is kept once, however many wait for it, and who is slow lags by
 * reference. Who lags too far, or reads nothing for too long, is cut off.
 */
export class Readers implements Ending {
  readonly #log = new Log();
  readonly #parcels: Parcels;
  /** Those who are sent each frame as it comes, and those who are sent them at the turn's end. */
  readonly #atOnce = new Set<Seat>();
  readonly #inTurn = new Set<Seat>();
  readonly #behind = new Map<Seat, Lag>();
  /** What of the log counts in the worker's memory, in bytes. */
  #kept = 0;
  /** Where in the log the turn began, while it lasts, and how much has come in it. */
  #turnStart: number | undefined;
  #fresh = 0;
  /** The place of the frame that is being sent at once, while it is. */
  #offered = Infinity;
  /** When what is being sent began to come. */
  #beganAt = 0;

  constructor(readonly options: ReadersOptions) {
    this.#parcels = new Parcels({ ...options, log: this.#log });
  }

  get size(): number {
    return this.#atOnce.size + this.#inTurn.size;
  }

  has(seat: Seat): boolean {
    return this.#inTurn.has(seat) || this.#atOnce.has(seat);
  }

  /** It gets all that comes from now on. */
  add(seat: Seat): void {
    seat.cursor = this.#log.end;
    (seat.takesBatches ? this.#inTurn : this.#atOnce).add(seat);
  }

  remove(seat: Seat): void {
    this.#drop(seat);
    if (this.#behind.has(seat)) this.#release(seat);
  }

  *[Symbol.iterator](): Iterator<Seat> {
    yield* this.#atOnce;
    yield* this.#inTurn;
  }

  /** Sends it to all, now or at the turn's end, or as soon as they have room. */
  append(entry: Entry): void {
    if (this.size === 0) return;
    const { turn, now } = this.options;
    if (this.#turnStart === undefined) this.#beganAt = now();
    this.#log.append(entry);
    const parcel = singleOf(entry);
    const { size } = parcel;
    const newest = this.#log.end - 1;
    this.#offer(parcel, newest);
    this.#fresh += size;
    if (this.#inTurn.size === 0) return this.#settle();
    if (this.#turnStart === undefined) {
      this.#turnStart = newest;
      turn.addMany(this);
    }
    // No more than that goes in one message.
    if (this.#fresh < MAX_BATCH_BYTES) turn.note();
    else turn.end();
  }

  /** Whoever fails over it may end the turn: it is kept until all have been asked. */
  #offer(parcel: Parcel, place: number): void {
    this.#offered = place;
    try {
      for (const seat of this.#atOnce) {
        if (seat.cursor === place && isReady(seat, parcel.size)) this.#hand(seat, parcel);
        else if (!this.#advance(seat)) this.#noteBehind(seat);
      }
    } finally {
      this.#offered = Infinity;
    }
  }

  endTurn(): void {
    this.#parcels.clear();
    try {
      for (const seat of this.#inTurn) if (!this.#advance(seat)) this.#noteBehind(seat);
    } finally {
      this.#turnStart = undefined;
    }
    this.#settle();
  }

  failTurn(error: unknown): void {
    this.options.onFail(error);
  }

  /** Sends all that waits for this seat, with room or without, and from now on each as it comes. */
  hurry(seat: Seat): void {
    while (this.has(seat) && seat.cursor < this.#log.end) {
      this.#hand(seat, singleOf(this.#log.at(seat.cursor)));
    }
    if (this.#inTurn.delete(seat)) this.#atOnce.add(seat);
    this.#release(seat);
  }

  /**
   * Sends to those who are behind what they have room for; returns whether any are left. `time`:
   * milliseconds that do not pass while nobody could be seen to read.
   */
  catchUp(time: number): boolean {
    this.#parcels.clear();
    for (const [seat, lag] of this.#behind) {
      const place = seat.cursor;
      if (this.#advance(seat)) this.#behind.delete(seat);
      else if (seat.cursor > place) lag.bytes = Infinity;
      else this.#watch(seat, lag, time);
    }
    this.#forget();
    return this.#behind.size > 0;
  }

  /** Returns true where the seat is at the end, or gone. */
  #advance(seat: Seat): boolean {
    const inTurn = this.#inTurn.has(seat);
    while (this.has(seat) && seat.cursor < this.#log.end) {
      // Those who lag at many places share no text: for whoever has no room none is made.
      if (inTurn && !isReady(seat, this.#nextSize(seat))) return false;
      const parcel = inTurn ? this.#parcels.next(seat) : singleOf(this.#log.at(seat.cursor));
      if (!isReady(seat, parcel.size)) return false;
      this.#hand(seat, parcel);
    }
    return true;
  }

  /** About what the seat is handed next, which nobody has put together yet. */
  #nextSize({ cursor }: Seat): number {
    return Math.min(this.#log.sizeFrom(cursor), MAX_BATCH_BYTES);
  }

  #noteBehind(seat: Seat): void {
    if (this.#behind.has(seat)) return;
    this.#behind.set(seat, { bytes: Infinity, since: 0 });
    this.options.onBehind();
  }

  #hand(seat: Seat, parcel: Parcel): void {
    seat.cursor += parcel.count;
    if (parcel.entry.isEnd) this.#drop(seat);
    this.options.deliver(seat, parcel);
  }

  #drop(seat: Seat): void {
    if (!this.#inTurn.delete(seat)) this.#atOnce.delete(seat);
  }

  #watch(seat: Seat, lag: Lag, time: number): void {
    const bytes = seat.reader?.bytes ?? 0;
    const isInTheWay = bytes > CROWDED.bytes && this.options.isCrowded();
    const least = isInTheWay ? CROWDED.bytes : 1;
    if (bytes === 0 || bytes + least <= lag.bytes) Object.assign(lag, { bytes, since: time });
    if (time - lag.since >= (isInTheWay ? patienceFor(bytes) : STUCK_MS)) this.#cut(seat);
  }

  /** Forgets nothing yet: whoever cuts several does so behind the last. */
  #cut(seat: Seat): void {
    this.#drop(seat);
    this.#behind.delete(seat);
    seat.cut();
  }

  /** Many go at once: what was kept for them is forgotten behind the last, or at the next look. */
  #release(seat: Seat): void {
    this.#behind.delete(seat);
    if (this.#behind.size === 0) this.#forget();
  }

  /** After all have been offered what came: keeps what somebody has to wait for. */
  #settle(): void {
    const { took, now } = this.options;
    took.note(now() - this.#beganAt);
    const fresh = this.#fresh;
    this.#fresh = 0;
    if (this.#behind.size > 0) this.#keep(fresh);
    this.#forget();
  }

  /** Where there is no memory for it, those who lag most have to go. */
  #keep(bytes: number): void {
    const { kept } = this.options;
    while (this.#behind.size > 0 && !kept.take(bytes)) {
      if (this.#forget() > 0) continue;
      // Memory is free when the last of them is gone.
      const place = this.#oldest;
      for (const seat of this.#behind.keys()) if (seat.cursor === place) this.#cut(seat);
    }
    if (this.#behind.size > 0) this.#kept += bytes;
  }

  /** Where those stand who lag most; Infinity where nobody is behind. */
  get #oldest(): number {
    let place = Infinity;
    for (const { cursor } of this.#behind.keys()) place = Math.min(place, cursor);
    return place;
  }

  /** Forgets what all have been sent; returns how much memory that gives back. */
  #forget(): number {
    const place = Math.min(this.#turnStart ?? this.#log.end, this.#offered, this.#oldest);
    const cut = this.#log.cut(place);
    // What came in a turn that goes on is cut uncounted.
    const size = this.#behind.size > 0 ? Math.min(cut, this.#kept) : this.#kept;
    if (this.#turnStart === undefined) this.#parcels.clear();
    this.#kept -= size;
    if (size > 0) this.options.kept.give(size);
    return size;
  }
}

function patienceFor(bytes: number): number {
  return Math.min(STUCK_MS, Math.max(CROWDED.ms, bytes / CROWDED.rate));
}

function isReady({ reader }: Seat, size: number): boolean {
  return !reader || reader.isReady(size);
}
