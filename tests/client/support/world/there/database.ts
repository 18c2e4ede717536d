import type { Table } from "../script/script.ts";
import type { World } from "../world.ts";

export interface Row {
  table: Table;
  /** Digits, which a number would round where they are many. */
  id: string;
  /** Tells rows apart whatever their keys are. */
  n: number;
  slug: string;
  /** The start of its transaction by the database's clock, in µs since the epoch. */
  time: number;
  /** The same of the transaction that changed it last. */
  changed: number;
  rev: number;
}

export interface Message {
  n: number;
  topic: string;
  /** When its transaction began by the database's clock, in ms since the epoch. */
  at: number;
  transaction: number;
  /** When it was committed, in true time. */
  committedAt: number;
  /** The row of which it tells a change, whose `seq` is `n`. */
  row?: number;
}

/** What a message says, to whoever reads it. */
export function bodyOf({ n, row }: Message, reader: string | null): Record<string, unknown> {
  if (row === undefined) return { n, reader };
  const about = { operation: "UPDATE", schema: "public", table: "seats" };
  return { ...about, record: { id: row }, old_record: null, seq: n, n, reader };
}

const FIRST_KEY = 1_234_567_890_123_456_788n;

/** Two tables and what the database sends by itself. */
export class Database {
  readonly rows = new Set<Row>();
  readonly messages: Message[] = [];
  #count = 0;
  #keys = 0;
  #transactions = 0;

  constructor(readonly world: World) {
    this.insert("orders", "a", 1, 3_600_000, true);
    this.update("orders", { startedAgoMs: 2_400_000, isOld: true });
    this.insert("orders", "a", 1, 300_000, true);
  }

  /** Milliseconds since the epoch by the database's clock. */
  now(): number {
    return this.world.time.now + this.world.setup.databaseSkewMs;
  }

  insert(table: Table, slug: string, count: number, startedAgoMs = 0, isOld = false): void {
    const transaction = ++this.#transactions;
    const time = this.#micros(startedAgoMs, transaction);
    for (let i = 0; i < count; i++) {
      const row = { table, id: this.#key(), n: ++this.#count, slug, time, changed: time, rev: 0 };
      this.#add(row, transaction, { startedAgoMs, isOld });
    }
  }

  /** No two transactions begin in the same µs. */
  #micros(agoMs: number, transaction: number): number {
    return Math.floor(this.now() - agoMs) * 1000 + transaction % 1000;
  }

  update(table: Table, { count = 1, back = 0, startedAgoMs = 0, isOld = false }: Update): void {
    const row = this.#newest(table, back);
    if (!row) return;
    const transaction = ++this.#transactions;
    // No transaction changes a row that has begun before the last one which did.
    row.changed = Math.max(this.#micros(startedAgoMs, transaction), row.changed + 1);
    for (let i = 0; i < count; i++) {
      row.rev++;
      this.world.realtime.change("UPDATE", row, { transaction, startedAgoMs, isOld });
    }
  }

  remove(table: Table): Row | undefined {
    const row = this.#newest(table);
    if (!row) return;
    this.rows.delete(row);
    // A move passes over what one of its two sockets has brought.
    const [socket, other] = this.world.sockets.filter(({ isOpen }) => isOpen);
    const changes = this.world.setup.updates
      ? Array.from({ length: row.rev }, (_, i) => `u${row.n}.${i + 1}`)
      : [];
    for (const { emissions } of this.world.ledger.records.values()) {
      for (const id of [`i${row.n}`, `m${row.n}`, ...changes]) {
        const emission = emissions.get(id);
        const isNew = emission?.broughtAt === undefined || emission.broughtBy !== socket || other;
        if (emission && isNew) emission.isGone = true;
        // Nobody reads it any more.
        if (emission && emission.deliveredAt === undefined) {
          Object.assign(emission, { isStored: false, isLate: true });
        }
      }
    }
    this.world.realtime.change("DELETE", row, { transaction: ++this.#transactions });
    return row;
  }

  /** The same key again, as another row. */
  reinsert(table: Table): void {
    const row = this.remove(table);
    if (!row) return;
    const transaction = ++this.#transactions;
    const time = this.#micros(0, transaction);
    this.#add({ ...row, n: ++this.#count, time, changed: time, rev: 0 }, transaction, {});
  }

  /** Messages of one transaction on the private topic. */
  store(topic: string, count: number, startedAgoMs = 0, row?: number): void {
    const transaction = ++this.#transactions;
    const committedAt = this.world.time.now;
    for (let i = 0; i < count; i++) {
      const at = this.now() - startedAgoMs;
      const message = { n: ++this.#count, topic, at, transaction, committedAt, row };
      this.messages.push(message);
      this.world.realtime.stored(message, startedAgoMs);
    }
  }

  next(): number {
    return ++this.#count;
  }

  #add(row: Row, transaction: number, how: { startedAgoMs?: number; isOld?: boolean }): void {
    this.rows.add(row);
    this.world.realtime.change("INSERT", row, { ...how, transaction });
  }

  #key(): string {
    const count = BigInt(++this.#keys);
    return String(this.world.setup.bigKeys ? FIRST_KEY + count : count);
  }

  #newest(table: Table, back = 0): Row | undefined {
    return [...this.rows].filter((row) => row.table === table).at(-1 - back);
  }
}

interface Update {
  count?: number;
  back?: number;
  startedAgoMs?: number;
  /** From before this world began. */
  isOld?: boolean;
}

/** As Realtime and PostgREST write it. */
export function timeText(micros: number, zone: string): string {
  const text = new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return `${text}${String(micros % 1000).padStart(3, "0")}${zone ? "" : "+00:00"}`;
}
