/** One connection that streams a publication's log from a slot, from its start to its loss. */
import { LogicalReplicationService } from "pg-logical-replication";
import { SESSION } from "../database/database.ts";
import { toLsn, toPosition } from "./lsn.ts";
import { PgoutputText, type WalMessage } from "./pgoutput.ts";

interface StreamOptions {
  databaseUrl: string;
  publication: string;
  /** Gets every message in order; while it returns a promise nothing more is read. */
  onMessage: (message: WalMessage) => void | Promise<void>;
  /** Told how far the server has read, and whether all of that is done with. */
  onHeartbeat: (end: bigint, isIdle: boolean) => void;
}

export class Stream {
  #service: LogicalReplicationService;
  #plugin: PgoutputText;
  #lost = Promise.withResolvers<never>();
  #isOver = false;
  #received = 0;
  #handled = 0;
  /** Changes came that were not delivered yet. */
  #isPending = false;

  constructor(readonly options: StreamOptions) {
    this.#service = openService(options.databaseUrl);
    this.#plugin = this.#countingPlugin();
    this.#lost.promise.catch(() => {});
    this.#service.on("error", this.#lost.reject);
    this.#service.on("data", (_lsn: string, message: WalMessage) => this.#handle(message));
    this.#service.on("heartbeat", (lsn: string) => {
      const isIdle = !this.#isPending && this.#received === this.#handled;
      options.onHeartbeat(toPosition(lsn), isIdle);
    });
  }

  /** Whether messages are flowing now. */
  get isConnected(): boolean {
    return !this.#service.isStop();
  }

  /** Streams what follows `position`, until the connection is lost: then it rejects. */
  async run(slot: string, position: bigint, started: () => void) {
    this.#service.on("start", started);
    try {
      const streamed = this.#service.subscribe(this.#plugin, slot, toLsn(position));
      await Promise.race([streamed, this.#lost.promise]);
    } finally {
      await this.#service.destroy().catch(() => {});
    }
  }

  /** Tells Postgres that all up to `position` was delivered, and whether nothing else is on its way. */
  delivered(position: bigint, isAll: boolean) {
    this.#isPending = !isAll;
    this.acknowledge(position);
  }

  acknowledge(position: bigint) {
    // The library adds one, and a transaction whose commit begins just there would be skipped.
    if (position > 0n) this.#service.acknowledge(toLsn(position - 1n)).catch(() => {});
  }

  end(reason: Error) {
    this.#isOver = true;
    this.#lost.reject(reason);
  }

  async #handle(message: WalMessage) {
    // After a failure the library goes on with what it has read already.
    if (this.#isOver) return;
    if (message.kind === "change") this.#isPending = true;
    await this.options.onMessage(message);
    this.#handled++;
  }

  #countingPlugin(): PgoutputText {
    const plugin = new PgoutputText({ publication: this.options.publication });
    const parse = plugin.parse.bind(plugin);
    plugin.parse = (buffer) => (this.#received++, parse(buffer));
    return plugin;
  }
}

function openService(url: string): LogicalReplicationService {
  const settings = Object.entries(SESSION).map(([key, value]) =>
    `-c ${key}=${value.replaceAll(" ", "\\ ")}`
  );
  return new LogicalReplicationService(
    { connectionString: url, application_name: "realtime", options: settings.join(" ") },
    // Ours alone: the library would acknowledge what it received, delivered or not.
    { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
  );
}
