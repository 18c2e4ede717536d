/** Broadcasts from the database: rows of realtime.messages, from the write-ahead log. */
import { Buffer } from "node:buffer";
import type { Database } from "../database/database.ts";
import type { Values } from "../log/pgoutput.ts";
import { userBroadcastFrame } from "../wire/frame.ts";
import { UserBroadcast } from "../wire/message.ts";
import { Wal } from "../log/wal.ts";
import { PREFIX } from "./topic.ts";
import type { Topics } from "./topics.ts";

const PUBLICATION = "supabase_realtime_messages_publication";
const SLOT = "local_realtime_messages";
/** Partitions are made for days ahead, so this only has to be well below a day. */
const MAINTENANCE_MS = 60 * 60 * 1000;

export class Messages {
  /** Settled when messages flow for the first time. */
  readonly ready: Promise<void>;
  #wal: Wal;
  #maintenance: ReturnType<typeof setInterval>;
  /** The transaction at hand was delivered before a connection was lost. */
  #repeated = false;
  #rows: Values[] = [];

  constructor(readonly database: Database, readonly topics: Topics) {
    this.#wal = new Wal({
      database,
      publication: PUBLICATION,
      slot: SLOT,
      onMessage: (message, wal) => {
        if (message.kind === "begin") {
          [this.#repeated, this.#rows] = [message.transaction.commit < wal.position, []];
        } else if (message.kind === "change" && message.new) {
          this.#rows.push(message.new);
        } else if (message.kind === "commit") {
          if (!this.#repeated) this.#rows.forEach((row) => this.#send(row));
          wal.delivered(message.end, true);
        }
      },
      onLost: () => (this.#rows = []),
    });
    this.#maintenance = setInterval(() => this.maintain(), MAINTENANCE_MS);
    this.ready = Promise.all([this.#wal.ready, this.maintain()]).then(() => {});
  }

  get isConnected(): boolean {
    return this.#wal.isConnected;
  }

  /** Makes the partitions of the days to come, and drops messages older than 72 hours. */
  async maintain() {
    await this.database.sql`select realtime.maintain_partitions()`.catch((error) =>
      this.database.log({ event: "maintenance_failed", reason: error.message })
    );
  }

  async stop() {
    clearInterval(this.#maintenance);
    await this.#wal.stop();
  }

  #send(row: Values) {
    const { topic: name, event, private: isPrivate, extension } = row;
    const payload = toBroadcast(row);
    if (extension !== "broadcast" || !name || !event || !payload) return;
    const frame = userBroadcastFrame(PREFIX + name, payload);
    this.topics.send({ name, isPrivate: isPrivate === "t" }, frame);
  }
}

/** The row as a broadcast with its id in `meta`; undefined where it has no payload. */
function toBroadcast(row: Values): UserBroadcast | undefined {
  const { event, payload, binary_payload: bytes, id } = row;
  const meta = JSON.stringify({ id });
  if (payload) return new UserBroadcast(event!, "json", Buffer.from(payload), meta);
  if (!bytes) return undefined;
  return new UserBroadcast(event!, "raw", Buffer.from(bytes.slice(2), "hex"), meta);
}
