import type { Json } from "../frame.ts";
import type { RowChange } from "../row_change.ts";
import { timeOf } from "./time.ts";

/** How far before a gap messages are read again: they have the time when their transaction began. */
export const OVERLAP_MS = 30_000;

/** So long ids may be asked from. Later than that no gap begins: what waits is delivered by then. */
const MARKS_MS = 80_000;

/** Bounds the memory of a topic. */
const MAX_ROWS = 20_000;

/** Where the messages of a topic are read from after a gap, and how far each row is. */
export class History {
  /**
   * The server's time, and this machine's, by which all was had or was not the application's
   * business: frames carry an id and no time. Undefined where messages cannot be read: what was not
   * had is told then, and is not to come with what the next gap brings.
   */
  start?: { time: number; at: number };
  /**
   * From when to when this machine's clock was set forward last, or the page stood still, which looks
   * the same. What came just before that is no older for it.
   */
  leap = [0, 0];
  /** How often the time was asked for in vain. */
  asked = 0;
  /** What has an earlier time, and is not known, may be from before. */
  #first = 0;
  /** Messages that came live since, and when by this machine's clock. */
  #marks: { id: string; at: number }[] = [];
  readonly #rows = new Map<string, number>();

  /** All that was sent by this time was had; where it is the first, it is nobody's business. */
  begin(time: unknown, now: number): void {
    const server = timeOf(time) ?? 0;
    if (!this.start) this.#first = server;
    this.start = { time: server, at: now };
    this.#marks = [];
    this.asked = 0;
  }

  /** A message came live. */
  mark(id: string, now: number): void {
    const marks = this.#marks;
    marks.push({ id, at: now });
    while (marks[1]?.at < this.before(now, MARKS_MS)) marks.shift();
  }

  /** How long ids are kept, in ms: what is read again from a mark on is to be known. */
  keepMs(now: number): number {
    return now - (this.#marks[0]?.at ?? now) + OVERLAP_MS;
  }

  /** The time that was so many ms before another; `since`: as what was told then counts it. */
  before(time: number, ms: number, since = 0): number {
    const [from, to] = this.leap;
    return time - ms - (from < time && Math.max(time - ms, since) < to ? to - from : 0);
  }

  /** Where to read from, of a gap that began then. */
  from(gap: number): { since: string; afterId?: string } {
    const { time, at } = this.start!;
    const from = this.before(gap, OVERLAP_MS, at);
    return {
      since: new Date(time - Math.max(0, at - from)).toISOString(),
      afterId: this.#marks.filter((mark) => mark.at <= from).at(-1)?.id,
    };
  }

  /** True for what may have been sent before the application joined. */
  isBefore({ inserted_at }: Json): boolean {
    return timeOf(inserted_at)! < this.#first;
  }

  /** False for a change that is older than what the application has of its row. */
  advance({ row, seq }: RowChange): boolean {
    const rows = this.#rows;
    if (seq < (rows.get(row) ?? 0)) return false;
    rows.delete(row);
    rows.set(row, seq);
    if (rows.size > MAX_ROWS) rows.delete(rows.keys().next().value!);
    return true;
  }
}
