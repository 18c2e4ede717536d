import type { CatchUp } from "../catch_up.ts";
import { History } from "./history.ts";
import type { Identity } from "./identity.ts";
import type { Skew } from "./time.ts";

/** Bounds the memory of a topic; at 300 events a second it is reached in a minute. */
const MAX_SEEN = 20_000;

/** Of one key: it may be given to a new row again and again. */
const MAX_COMINGS = 8;

/** A row that was read comes live this much later at worst, behind the DELETE of its predecessor. */
const REORDER_MS = 30_000;

/** A row as it came once under its key: the next one there has another time. */
interface Coming {
  time?: string;
  born?: string;
  /** Undefined until it came live: it was read. */
  stamp?: string;
  /** Of what was read, the commit that brought it live: what was read is the last state of that. */
  readBehind?: number;
}

interface Entry {
  comings: Coming[];
  /** When the last of them came by this machine's clock, and its own time by the server's. */
  cameAt: number;
  at?: number;
}

/** A time that an event of a table told, and when by this machine's clock. */
interface Mark {
  at: number;
  cameAt: number;
}

/** What the application has had of a topic. It outlives the application's joins of the topic. */
export class Ledger {
  /** By what could bring them again: each forgets by its own events alone. */
  readonly seen = new Map<CatchUp | undefined, Map<string, Entry>>();
  /** The newest server time among the events of a table. */
  readonly marks = new Map<CatchUp, Mark>();
  /** The same among rows that were read, until all that is missing was: a read may be begun again. */
  readonly #read = new Map<CatchUp, Mark>();
  /** Of the messages that the database sent, where those can be read. */
  readonly history: History = new History();
  /** When the application was first told that it is joined, by this machine's clock. */
  joinedAt?: number;
  /** It has carried broadcasts, which Postgres Changes cannot bring back. */
  broadcasts?: boolean;

  /** `skew`: by the clock of when it was joined, which may have been set since. */
  constructor(public skew: Skew) {}

  #of(catchUp?: CatchUp): Map<string, Entry> {
    const seen = this.seen.get(catchUp) ?? new Map();
    this.seen.set(catchUp, seen);
    return seen;
  }

  has({ keys, catchUp }: Identity): boolean {
    return keys.some((key) => this.#of(catchUp).has(key));
  }

  /**
   * The keys of an event that the application has not had. `over` is called for a row that comes
   * late: its successor under its key was read already, or `isSame`, a later state of the row itself.
   */
  fresh(event: Identity, isRead: boolean, over: (isSame: boolean) => void): string[] {
    const { keys, catchUp } = event;
    return keys.filter((key) => {
      const entry = this.#of(catchUp).get(key);
      return !entry || isNews(entry.comings, event, isRead, over);
    });
  }

  /**
   * Notes that the application has it. An entry is dropped when a newer one comes and no reader would
   * bring it again, so that a silent hour forgets nothing.
   */
  note(keys: string[], event: Identity, now: number, keepMs: number): void {
    const { time, born, stamp, at, catchUp } = event;
    const seen = this.#of(catchUp);
    for (const key of keys) {
      const comings = seen.get(key)?.comings.slice(1 - MAX_COMINGS) ?? [];
      seen.delete(key);
      seen.set(key, {
        comings: [...comings, { time, born, stamp }],
        cameAt: now,
        at,
      });
    }
    const readFrom = catchUp ? (this.lastOf(catchUp) ?? 0) - catchUp.overlapMs : Infinity;
    for (const [oldest, { cameAt, at = 0 }] of seen) {
      const isOld = cameAt < this.history.before(now, keepMs) && at < readFrom;
      if (seen.size <= MAX_SEEN && !isOld) return;
      seen.delete(oldest);
    }
  }

  /**
   * A row may come again under its old key once it was deleted, with the time that it had. What was
   * read and has not come live yet may be that row already, unless it is old.
   */
  forget(keys: string[], catchUp: CatchUp, deletedAt: number): void {
    const seen = this.#of(catchUp);
    for (const key of keys) {
      const entry = seen.get(key);
      if (!entry) continue;
      entry.comings = entry.comings.filter(({ stamp, time }) =>
        stamp === undefined && !(Number(time) * 1_000 < deletedAt - REORDER_MS)
      );
    }
  }

  /**
   * Rows are read from here on, in ms since the epoch. A time ahead of the server's is nobody's: it is
   * bounded by when it came, by the server's clock once that is known.
   */
  lastOf(catchUp: CatchUp, mark = this.marks.get(catchUp)): number | undefined {
    return mark && Math.min(mark.at, mark.cameAt + (this.skew.of(catchUp) ?? 0));
  }

  advance(catchUp: CatchUp, mark: Mark, isRead: boolean): void {
    const marks = isRead ? this.#read : this.marks;
    const before = this.lastOf(catchUp, marks.get(catchUp)) ?? 0;
    if (before < this.lastOf(catchUp, mark)!) marks.set(catchUp, mark);
  }

  /** Somebody else reads from here on. */
  forgetTimes(): void {
    this.marks.clear();
    this.#read.clear();
  }

  /** All that was missing is read, or told. */
  settle(): void {
    for (const [catchUp, mark] of this.#read) this.advance(catchUp, mark, false);
    this.#read.clear();
  }
}

/**
 * What was read and comes live is had; what came live and comes live again with another stamp is a
 * new event. A row whose successor under its key was read already is no more.
 */
function isNews(
  comings: Coming[],
  { time, born, stamp, committedAt }: Identity,
  isRead: boolean,
  over: (isSame: boolean) => void,
): boolean {
  const known = comings.filter((each) => each.time === time);
  if (known.some((each) => isRead || each.stamp === stamp)) return false;
  const read = known.find((each) => each.stamp === undefined);
  if (read) {
    Object.assign(read, { stamp, readBehind: committedAt });
    return false;
  }
  const isIn = committedAt !== undefined && known.some((each) => each.readBehind === committedAt);
  if (isIn) return false;
  const newer = comings.filter((each) =>
    !isRead && each.stamp === undefined && Number(each.time) > Number(time)
  );
  if (newer.length === 0) return true;
  comings.push({ time, born, stamp });
  // Where the frame does not tell nothing speaks for another row.
  over(newer.some((each) => each.born === (born ?? each.born)));
  return false;
}
