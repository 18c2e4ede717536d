/** Follows a publication through a permanent replication slot, for ever. */
import { reasonOf } from "../../log.ts";
import type { WalMessage } from "./pgoutput.ts";
import { ensureSlot, renewIfStuck, type Slot } from "./slot.ts";
import { Stream } from "./stream.ts";

interface WalOptions extends Slot {
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
  #stream?: Stream;
  #stopped = false;
  #delivered = 0n;
  #ready = Promise.withResolvers<void>();
  #loop: Promise<void>;
  #told = "";
  #wake = () => {};

  constructor(readonly options: WalOptions) {
    this.#loop = this.#run();
  }

  /** Fulfilled when the slot streams for the first time, rejected when the first attempt fails. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Whether changes are flowing now. */
  get isConnected(): boolean {
    return this.#stream?.isConnected === true;
  }

  /** The end of the last transaction that was delivered; what ends earlier is a repetition. */
  get position(): bigint {
    return this.#delivered;
  }

  /** Says that all transactions up to `end` were delivered: they will not come again. */
  delivered(end: bigint, isAll: boolean) {
    if (end > this.#delivered) this.#delivered = end;
    this.#stream?.delivered(this.#delivered, isAll);
  }

  /** Ends the connection, so that everything since the last `delivered` comes again. */
  restart(reason: Error) {
    this.#stream?.end(reason);
  }

  async stop() {
    this.#stopped = true;
    this.#wake();
    this.restart(new Error("stopped"));
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
        this.#tell(reasonOf(error));
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
    const { database: { url: databaseUrl }, publication, onMessage } = this.options;
    const slot = await ensureSlot(this.options);
    if (this.#stopped) return;
    const stream = new Stream({
      ...{ databaseUrl, publication },
      onMessage: (message) => onMessage(message, this),
      onHeartbeat: (end, isIdle) => {
        if (isIdle && end > this.#delivered) this.#delivered = end;
        stream.acknowledge(this.#delivered);
      },
    });
    this.#stream = stream;
    const status = setInterval(() => stream.acknowledge(this.#delivered), STATUS_MS);
    await stream.run(slot, this.#delivered, started).finally(() => clearInterval(status));
  }
}
