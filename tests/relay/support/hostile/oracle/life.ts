/** One channel of a client's, from its join to whatever ends it. */
import { type ChannelConfig, type Emission, isFor } from "../realtime/emission.ts";
import type { Realtime } from "../realtime/realtime.ts";
import { Violation } from "../invariants.ts";

interface Gap {
  from: number;
  to: number;
}

/** How far the client has come in one order of emissions. */
interface Cursor {
  order: Emission[];
  /** The place of the next one. */
  next: number;
  /** From when on everything is owed. */
  since: number;
  /** Nothing has come yet: what Realtime sent before the answer to the join may come or not. */
  isFresh: boolean;
}

/** What a lost connection may have swallowed before anybody could notice, beside the way itself. */
const NOTICE_MS = 1_000;

export class Life {
  state: "asked" | "joined" | "over" = "asked";
  /** It ends, by the client's own will: what comes is welcome, and nothing is owed. */
  isEnding = false;
  /** When its join was answered; Infinity before. */
  joinedAt = Infinity;
  /** The ids of its bindings, as its join was answered. */
  #ids: ReadonlySet<number> = new Set();
  readonly #cursors = new Map<Emission["kind"], Cursor>();
  readonly #gaps: Gap[] = [];
  /** What was left out, and has to be told. */
  #owed: Emission[] = [];

  constructor(
    readonly realtime: Realtime,
    readonly client: number,
    readonly topic: string,
    readonly ref: string,
    readonly config: ChannelConfig,
    /** See askOf(). */
    readonly ask: string,
    readonly askedAt: number,
  ) {}

  /** The join was answered: from here on each broadcast is its. */
  joined(ids: number[]): void {
    this.state = "joined";
    this.joinedAt = this.realtime.time.now;
    this.#ids = new Set(ids);
    this.#follow("broadcast");
  }

  /** True where a client would pass over a change with these ids. */
  isDeafTo(ids: number[]): boolean {
    return !this.isEnding && !ids.some((id) => this.#ids.has(id));
  }

  get isUnsubscribed(): boolean {
    return this.config.bindings.length > 0 && !this.#cursors.has("change");
  }

  /** Its changes are subscribed. */
  subscribed(): void {
    this.#follow("change");
  }

  /** The client was told of a time that it knows nothing about. */
  told(gap: Gap): void {
    this.#gaps.push(gap);
    this.#owed = this.#owed.filter((emission) => !this.#isCovered(emission));
  }

  /** Takes an emission that came. Throws where it is not this channel's, or not the next. */
  take(emission: Emission): void {
    if (!isFor(emission, this)) {
      throw new Violation("isolation", `${this} got ${print(emission)}`);
    }
    const cursor = this.#cursors.get(emission.kind) ?? this.#follow(emission.kind);
    if (emission.place < cursor.next && !cursor.isFresh) {
      throw new Violation("frames", `${this} got ${print(emission)} twice, or behind a later one`);
    }
    this.#pass(cursor, emission.place);
    cursor.next = emission.place + 1;
    cursor.isFresh = false;
  }

  /** To be asked when all that is under way has come: what is missing, that it was not told of. */
  missing(): Emission | undefined {
    if (this.state !== "joined" || this.isEnding) return undefined;
    for (const cursor of this.#cursors.values()) this.#pass(cursor, cursor.order.length);
    return this.#owed[0];
  }

  toString(): string {
    return `client ${this.client}, ${this.topic} (join ${this.ref})`;
  }

  #follow(kind: Emission["kind"]): Cursor {
    const { realtime, topic, config } = this;
    const order = realtime.ledger.orderOf(kind, topic, config.private);
    const cursor = { order, next: order.length, since: realtime.time.now, isFresh: true };
    this.#cursors.set(kind, cursor);
    return cursor;
  }

  /** Whatever lies before this place is not coming any more. */
  #pass(cursor: Cursor, place: number): void {
    for (; cursor.next < place; cursor.next++) {
      const emission = cursor.order[cursor.next];
      const isOwed = emission.at > cursor.since && !this.isEnding && isFor(emission, this) &&
        !this.#isCovered(emission);
      if (isOwed) this.#owed.push(emission);
    }
  }

  #isCovered({ at, kind }: Emission): boolean {
    const { up, down, checkMs } = this.realtime.place;
    // A change is checked before it is sent.
    const slack = up + down + NOTICE_MS + (kind === "change" ? checkMs : 0);
    return this.#gaps.some(({ from, to }) => from - slack <= at && at <= to);
  }
}

export const print = ({ n, kind, topic, table, slug, at }: Emission) =>
  `${kind} ${n} of ${topic || `${table} ${slug}`} (at ${at % 10_000_000} ms)`;
