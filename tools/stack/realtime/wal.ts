/** Follows a publication through a permanent replication slot, for ever. */
import { LogicalReplicationService } from "pg-logical-replication";
import { SESSION } from "./database.ts";
import { toLsn, toPosition } from "./lsn.ts";
import { PgoutputText, type WalMessage } from "./pgoutput.ts";
import { ensureSlot, renewIfStuck, type Slot } from "./slot.ts";

export interface WalOptions extends Slot {
  /**
   * Gets every message in order; while it returns a promise nothing more is read. What it throws
   * ends the connection, and everything since the last `delivered` comes again.
   */
  onMessage: (message: WalMessage, wal: Wal) => void | Promise<void>;
  /** Called when the connection was lost: what was not delivered will come again. */
  onLost: () => void;
}

/** How long to wait before the next attempt: a restarting Postgres is back within a second. */
const RETRY_MS = { first: 50, most: 2_000 };
/** How long a slot may be in use at the start before that is somebody else's doing. */
const BUSY_MS = 10_000;
/** Well below wal_sender_timeout (60 s), after which Postgres drops a silent reader. */
const STATUS_MS = 10_000;

type Failure = Error & { code?: string };

export class Wal {
  #born = Date.now();
  #service?: LogicalReplicationService;
  #stopped = false;
  #delivered = 0n;
  #received = 0;
  #handled = 0;
  #pending = false;
  #ready = Promise.withResolvers<void>();
  #loop: Promise<void>;
  #told = "";
  #wake = () => {};
  #fail: (reason: Error) => void = () => {};

  constructor(readonly options: WalOptions) {
    this.#loop = this.#run();
  }

  /** Fulfilled when the slot streams for the first time, rejected when the first attempt fails. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Whether changes are flowing now. */
  get isConnected(): boolean {
    return this.#service?.isStop() === false;
  }

  /** The end of the last transaction that was delivered; what ends earlier is a repetition. */
  get position(): bigint {
    return this.#delivered;
  }

  /** Says that all transactions up to `end` were delivered: they will not come again. */
  delivered(end: bigint, isAll: boolean) {
    if (end > this.#delivered) this.#delivered = end;
    this.#pending = !isAll;
    this.#acknowledge(this.#delivered);
  }

  /** Ends the connection, so that everything since the last `delivered` comes again. */
  restart(reason: Error) {
    const fail = this.#fail;
    this.#fail = () => {};
    fail(reason);
  }

  async stop() {
    this.#stopped = true;
    this.#wake();
    this.restart(new Error("stopped"));
    await this.#service?.destroy().catch(() => {});
    await this.#loop;
  }

  async #run() {
    let wait = RETRY_MS.first;
    while (!this.#stopped) {
      try {
        await this.#follow(() => {
          [wait, this.#told] = [RETRY_MS.first, ""];
          this.#ready.resolve();
        });
      } catch (error) {
        if (this.#stopped) break;
        this.#tell(message(error));
        if (!this.#mayBeFree(error as Failure)) this.#ready.reject(error);
        await renewIfStuck(this.options, error as Failure);
      }
      this.options.onLost();
      await this.#pause(wait);
      wait = Math.min(wait * 2, RETRY_MS.most);
    }
  }

  /** Logs a reason once, however often it is met until changes flow again. */
  #tell(reason: string) {
    const { database: { log }, slot } = this.options;
    if (reason !== this.#told) log({ event: "wal_lost", slot, reason });
    this.#told = reason;
  }

  /** A slot that is in use may still be its last reader's, who is on the way out. */
  #mayBeFree({ code }: Failure): boolean {
    return code === "55006" && Date.now() < this.#born + BUSY_MS;
  }

  #pause(ms: number): Promise<void> | void {
    if (this.#stopped) return;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => (clearTimeout(timer), resolve());
    });
  }

  /** One connection, from its start to its loss. */
  async #follow(started: () => void) {
    const { database, publication, onMessage } = this.options;
    const slot = await ensureSlot(this.options);
    if (this.#stopped) return;
    const service = openService(database.url);
    const plugin = new PgoutputText({ publication });
    const lost = Promise.withResolvers<void>();
    this.#fail = lost.reject;
    [this.#service, this.#received, this.#handled, this.#pending] = [service, 0, 0, false];
    const parse = plugin.parse.bind(plugin);
    plugin.parse = (buffer) => (this.#received++, parse(buffer));
    service.on("start", started);
    service.on("error", lost.reject);
    service.on("heartbeat", (lsn: string) => this.#heartbeat(toPosition(lsn)));
    service.on("data", async (_lsn: string, data: WalMessage) => {
      // After a failure the library goes on with what it has read already.
      if (this.#fail !== lost.reject) return;
      if (data.kind === "change") this.#pending = true;
      await onMessage(data, this);
      this.#handled++;
    });
    const status = setInterval(() => this.#acknowledge(this.#delivered), STATUS_MS);
    try {
      await Promise.race([
        service.subscribe(plugin, slot, toLsn(this.#delivered)),
        lost.promise,
      ]);
    } finally {
      clearInterval(status);
      lost.promise.catch(() => {});
      await service.destroy().catch(() => {});
    }
  }

  /** With nothing on its way, all that the server has read is done with. */
  #heartbeat(end: bigint) {
    const isIdle = !this.#pending && this.#received === this.#handled;
    if (isIdle && end > this.#delivered) this.#delivered = end;
    this.#acknowledge(this.#delivered);
  }

  #acknowledge(end: bigint) {
    // The library adds one, and a transaction whose commit begins just there would be skipped.
    if (end > 0n) this.#service?.acknowledge(toLsn(end - 1n)).catch(() => {});
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

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
