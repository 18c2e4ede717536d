/** postgres_changes: from the write-ahead log to the channels that asked. */
import { connect, type Database } from "../database/database.ts";
import { committed } from "../log/committed.ts";
import { type Dated, Deliveries } from "../log/deliveries.ts";
import { Wal } from "../log/wal.ts";
import { Audiences, type Subscriber } from "./audiences.ts";
import { decide } from "./decide.ts";
import { sendFailures, sendSight } from "./frames.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The publication that migrations put their tables into. */
const PUBLICATION = "supabase_realtime";
/** Its mirror, which the log is read through: the same tables with all their columns and rows. */
const MIRROR = "local_realtime";
const SLOT = "local_realtime_changes";
/** Rows times groups of one call: above it the answer takes long enough to be felt by others. */
const MAX_PAIRS = 100_000;

interface ChangesOptions {
  database: Database;
  recordBytes: number;
  publicationLookMs: number;
}

export class Changes {
  /** Settled when changes flow for the first time. */
  readonly ready: Promise<void>;
  #options: ChangesOptions;
  #audiences = new Audiences();
  #subscriptions: Subscriptions;
  /** A connection of its own, so that no join waits behind a large batch. */
  #sql: ReturnType<typeof connect>;
  #wal: Wal;
  #look: ReturnType<typeof setInterval>;

  constructor(options: ChangesOptions) {
    this.#options = options;
    const { database, publicationLookMs } = options;
    this.#subscriptions = new Subscriptions(database, PUBLICATION, this.#audiences);
    this.#sql = connect(database.url, 1);
    const deliveries = new Deliveries(
      (batch) => this.#prepare(batch),
      ({ relation }) => MAX_PAIRS / Math.max(1, this.#audiences.count(relation.oid)),
    );
    this.#wal = new Wal({
      database,
      publication: MIRROR,
      slot: SLOT,
      onMessage: (message, wal) => deliveries.take(message, wal),
      onLost: () => deliveries.drop(),
    });
    this.#look = setInterval(() => this.lookAtPublication(), publicationLookMs);
    this.ready = Promise.all([this.#wal.ready, this.lookAtPublication()]).then(() => {});
  }

  get isConnected(): boolean {
    return this.#wal.isConnected;
  }

  /** Subscribes a channel to its bindings, all or none, and tells it what came of it. */
  subscribe(subscriber: Subscriber): Promise<void> {
    return this.#subscriptions.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber) {
    this.#audiences.delete(subscriber);
  }

  /** Subscribes every channel anew if the published tables are not what they were. */
  lookAtPublication(): Promise<void> {
    return this.#subscriptions.lookAtPublication();
  }

  async stop() {
    clearInterval(this.#look);
    await this.#wal.stop();
    await this.#sql.end({ timeout: 1 });
  }

  async #prepare(batch: Dated[]): Promise<() => void> {
    const heard = batch.filter(({ change: { relation, action } }) =>
      this.#audiences.wants(relation.oid, action)
    );
    if (heard.length === 0) return () => {};
    const { database, recordBytes } = this.#options;
    await committed(this.#sql, heard.map(({ xid }) => xid));
    const { sights, failures } = await decide(heard.map(({ change }) => change), {
      sql: this.#sql,
      groupsOf: (oid) => this.#audiences.groups(oid),
      maxBytes: recordBytes,
      log: database.log,
    });
    const timestamps = new Map(heard.map(({ change, timestamp }) => [change, timestamp]));
    return () => {
      for (const sight of sights) {
        sendSight(sight, timestamps.get(sight.change)!, this.#audiences);
      }
      sendFailures(failures, this.#audiences);
    };
  }
}
