import type { Time } from "../here/time.ts";
import { TWIN } from "../here/twin.ts";
import type { InvariantName } from "./invariants.ts";

/** By which way an event comes; each has an order and an identity of its own. */
export type Kind = "insert" | "update" | "delete" | "mirror" | "stored" | "peer";

/** Begins the `writer` of what tells the changes of one row. */
export const ROW = "row ";

/** What Realtime has sent on a topic, or would have where the application was joined. */
export interface Emission {
  topic: string;
  /** One a topic. */
  id: string;
  kind: Kind;
  /** The true time of the commit, or of the peer's push. */
  at: number;
  /** Who wrote it, or the row that changed, and its place among what that writer wrote. */
  writer: string;
  place: number;
  transaction: number;
  /** Of a change of a table: the row, and how often it had been changed. */
  row?: { n: number; rev: number };
  /** A catch-up finds it, if it finds it by when its transaction began. */
  isStored: boolean;
  /** When its transaction began, in true time. */
  startedAt: number;
  /** Its row was deleted before it came: no catch-up can read it. */
  isGone?: boolean;
  /** The relay lost it and could not say so: it is read, or nobody knows of it. */
  isUntold?: true;
  /** Newer ones may come before it: its row was deleted unread, or Realtime replays it too late. */
  isLate?: true;
  /** When the application had it; what it had again is a fault of its own. */
  deliveredAt?: number;
  /** Whom it said it was read as. */
  deliveredAs?: unknown;
  /** When a socket of the client's first brought it, while that socket stayed open. */
  broughtAt?: number;
  broughtBy?: { isOpen: boolean };
}

/** A time in which the application had reason to believe that it was joined. */
export interface Stay {
  from: number;
  to: number;
  /** How far the machine's clock was ahead when it began. */
  skew: number;
  /** Told that it is over, by an error or for good, or ended by the application itself. */
  end?: "told" | "closed" | "left";
  /** When the client was live last, by its end. */
  liveAt?: number;
}

/** What the application knows of a row. */
export interface Heard {
  rev: number;
  at: number;
  /** Its newest state among those that were read. */
  read: number;
}

export interface Gap {
  from: number;
  to: number;
  missing: string;
  kinds?: string[];
  reason?: string;
  at: number;
}

/** What the application knows of one topic. */
export class Record {
  readonly stays: Stay[] = [];
  readonly gaps: Gap[] = [];
  /** When REST told the server's time, from which messages can be read. */
  readonly timedAt: number[] = [];
  readonly emissions = new Map<string, Emission>();
  /** The rows of which it has had an INSERT or an UPDATE, by their `n`. */
  readonly heard = new Map<number, Heard>();
  /** What is delivered, in its order. */
  readonly delivered: Emission[] = [];
  /** Since when Realtime has let it in nowhere, and whether it was always told so at once. */
  refused?: {
    since: number;
    isQuick: boolean;
    at: number;
    ref: unknown;
    line: { isUp: boolean };
  };
  /** The join that Realtime looks at, or that is on its way there. */
  underWay?: unknown;
  /** When the last one went out. */
  triedAt = -Infinity;
  /** Joins went out again and again before those before them were answered, or their socket ended. */
  readonly repeated: { from: number; to: number; joins: number }[] = [];
  /** When the application asked last to be let in, and by which ref. */
  asked: { at: number; ref?: unknown } = { at: -Infinity };
  /** Since when the application knows that changes of tables do not flow; undefined while they do. */
  readonly dry: { from: number; to: number }[] = [];

  /** A gap is told, by the clock of the client's machine. */
  tell(message: object, time: Time): void {
    const { from, to, ...rest } = message as Gap;
    this.gaps.push({ ...rest, from: time.trueOf(from), to: time.trueOf(to), at: time.now });
  }

  get stay(): Stay | undefined {
    const last = this.stays.at(-1);
    return last?.to === Infinity ? last : undefined;
  }
}

/** All that happened in a world, and the first promise that it broke. */
export class Ledger {
  readonly records = new Map<string, Record>();
  /** When somebody else was signed in, or nobody any more, as far as the client was told. */
  readonly switches: number[] = [];
  broken?: { name: InvariantName; message: string };
  events = 0;
  faults = 0;
  /** The last lines of what happened, where they are wanted. */
  log?: string[];

  constructor(readonly ignored: ReadonlySet<string>, readonly clock: { now: number }) {}

  record(topic: string): Record {
    let record = this.records.get(topic);
    if (!record) this.records.set(topic, record = new Record());
    return record;
  }

  breaks(name: InvariantName, message: string): void {
    this.note(`BROKEN ${name}: ${message}`);
    if (!this.ignored.has(name)) this.broken ??= { name, message };
  }

  note(line: string): void {
    this.log?.push(`${((this.clock.now - Date.UTC(2026, 10, 28, 12)) / 1000).toFixed(3)} ${line}`);
  }

  emit(emission: Emission): void {
    this.events++;
    this.record(emission.topic).emissions.set(emission.id, emission);
    this.records.get(TWIN + emission.topic)?.emissions.set(emission.id, { ...emission });
  }
}
