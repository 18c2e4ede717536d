/** Takes changes from the log, many at a time while many wait, and has them delivered in order. */
import type { Change, Transaction, WalMessage } from "./pgoutput.ts";
import type { Wal } from "./wal.ts";

/** A batch is one call of the database: large enough to share its cost, small enough to flow. */
const BATCH = { rows: 500, bytes: 4 * 1024 * 1024 };
/** What may wait for its batch; with more the log is not read on. */
const WAITING = { rows: 4 * BATCH.rows, bytes: 4 * BATCH.bytes };

/** A change, with the transaction that it is part of. */
export interface Dated {
  change: Change;
  timestamp: string;
  xid: number;
}

interface Item {
  transaction: Transaction;
  change?: Change;
  /** The number of the change in its transaction. */
  number: number;
  /** Of a commit: its end in the log. */
  end?: bigint;
}

/**
 * Asks for a batch to be delivered. What it returns sends the frames, at once and without failing:
 * by then the connection may be lost and the batch about to come again.
 */
type Prepare = (batch: Dated[]) => Promise<() => void>;

export class Deliveries {
  #waiting: Item[] = [];
  #bytes = 0;
  #transaction: Transaction = { commit: 0n, timestamp: "", xid: 0 };
  #seen = 0;
  /** How much of a transaction was delivered, if it was cut off in the middle. */
  #partly = { commit: 0n, changes: 0 };
  #pump?: Promise<void>;
  #connection = {};

  /** `rowsFor` may bound the rows of a batch by what its first change costs. */
  constructor(readonly prepare: Prepare, readonly rowsFor: (change: Change) => number) {}

  /** Takes one message. The promise that it may return is a request to wait. */
  take(message: WalMessage, wal: Wal): void | Promise<void> {
    if (message.kind === "other") return;
    if (message.kind === "begin") {
      [this.#transaction, this.#seen] = [message.transaction, 0];
      return;
    }
    const transaction = this.#transaction;
    if (message.kind === "commit") {
      this.#waiting.push({ transaction, number: this.#seen, end: message.end });
    } else {
      const number = ++this.#seen;
      if (this.#isRepeated(transaction, number, wal)) return;
      this.#waiting.push({ transaction, number, change: message });
      this.#bytes += message.bytes;
    }
    // A transaction is delivered once it is whole, unless it is more than a batch.
    if (message.kind === "commit" || this.#exceeds(BATCH)) {
      this.#pump ??= this.#run(wal, this.#connection);
    }
    return this.#exceeds(WAITING) ? this.#pump : undefined;
  }

  /** Forgets what waits: the connection was lost, and all of it will come again. */
  drop() {
    [this.#waiting, this.#bytes, this.#pump, this.#connection] = [[], 0, undefined, {}];
  }

  #exceeds({ rows, bytes }: typeof BATCH): boolean {
    return this.#waiting.length > rows || this.#bytes > bytes;
  }

  #isRepeated({ commit }: Transaction, number: number, wal: Wal): boolean {
    return commit < wal.position ||
      (commit === this.#partly.commit && number <= this.#partly.changes);
  }

  async #run(wal: Wal, connection: unknown) {
    // Not at once: `take` is to know of this before it may be over.
    await Promise.resolve();
    try {
      while (this.#connection === connection && this.#waiting.length > 0) {
        const items = this.#next();
        const batch = items.flatMap(({ change, transaction: { timestamp, xid } }) =>
          change ? [{ change, timestamp, xid }] : []
        );
        const send = batch.length > 0 ? await this.prepare(batch) : () => {};
        if (this.#connection !== connection) return;
        send();
        this.#finish(items, wal);
      }
      if (this.#connection === connection) this.#pump = undefined;
    } catch (error) {
      if (this.#connection === connection) wal.restart(error as Error);
    }
  }

  #next(): Item[] {
    const first = this.#waiting.find(({ change }) => change)?.change;
    const most = first ? Math.min(BATCH.rows, Math.max(1, this.rowsFor(first))) : BATCH.rows;
    let bytes = 0;
    const end = this.#waiting.findIndex(({ change }, index) =>
      index > 0 && (index >= most || (bytes += change?.bytes ?? 0) > BATCH.bytes)
    );
    return this.#waiting.slice(0, end < 0 ? undefined : end);
  }

  #finish(items: Item[], wal: Wal) {
    this.#waiting.splice(0, items.length);
    for (const { change, transaction, number, end } of items) {
      this.#bytes -= change?.bytes ?? 0;
      this.#partly = { commit: transaction.commit, changes: number };
      if (end !== undefined) wal.delivered(end, this.#waiting.length === 0);
    }
  }
}
