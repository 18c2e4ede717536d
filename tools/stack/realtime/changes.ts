/** postgres_changes: from the write-ahead log to the channels that asked. */
import type { Channel } from "./channel.ts";
import { committed } from "./committed.ts";
import { connect, type Database } from "./database.ts";
import { decide } from "./decide.ts";
import { type Dated, Deliveries } from "./deliveries.ts";
import { sendFailures, sendSight } from "./frames.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Wal } from "./wal.ts";

/** The publication that migrations put their tables into. */
const PUBLICATION = "supabase_realtime";
const SLOT = "local_realtime_changes";
/** Rows times groups of one call: above it the answer takes long enough to be felt by others. */
const MAX_PAIRS = 100_000;

export interface ChangesOptions {
  database: Database;
  recordBytes: number;
  publicationLookMs: number;
}

export class Changes {
  /** Settled when changes flow for the first time. */
  readonly ready: Promise<void>;
  #options: ChangesOptions;
  #subscriptions: Subscriptions;
  /** A connection of its own, so that no join waits behind a large batch. */
  #sql: ReturnType<typeof connect>;
  #wal: Wal;
  #look: ReturnType<typeof setInterval>;

  constructor(options: ChangesOptions) {
    this.#options = options;
    const { database, publicationLookMs } = options;
    this.#subscriptions = new Subscriptions(database, PUBLICATION);
    this.#sql = connect(database.url, 1);
    const deliveries = new Deliveries(
      (batch) => this.#prepare(batch),
      ({ relation }) => MAX_PAIRS / Math.max(1, this.#subscriptions.count(relation.oid)),
    );
    this.#wal = new Wal({
      database,
      publication: PUBLICATION,
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
  subscribe(channel: Channel): Promise<void> {
    return this.#subscriptions.add(channel);
  }

  unsubscribe(channel: Channel) {
    this.#subscriptions.delete(channel);
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
      this.#subscriptions.wants(relation.oid, action)
    );
    if (heard.length === 0) return () => {};
    const { database, recordBytes } = this.#options;
    await committed(this.#sql, heard.map(({ xid }) => xid));
    const { sights, failures } = await decide(heard.map(({ change }) => change), {
      sql: this.#sql,
      groupsOf: (oid) => this.#subscriptions.groups(oid),
      maxBytes: recordBytes,
      log: database.log,
    });
    const timestamps = new Map(heard.map(({ change, timestamp }) => [change, timestamp]));
    return () => {
      for (const sight of sights) {
        sendSight(sight, timestamps.get(sight.change)!, this.#subscriptions);
      }
      sendFailures(failures, this.#subscriptions);
    };
  }
}
