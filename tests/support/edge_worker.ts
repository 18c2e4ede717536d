import { fileURLToPath } from "node:url";
import { type Host, type RelayProcess, startRelay } from "./relay_host.ts";

/** Why a worker ended. */
export type Reason = "wall_clock" | "cpu" | "early_drop";

const BOOTSTRAP = fileURLToPath(new URL("edge_bootstrap.ts", import.meta.url));

/** Parts of the wall clock, as Edge Runtime has them. */
const RETIRED_AT = 1 / 2;
const UNLOADED_AT = 9 / 10;

/** What a tenth of the CPU time may last, in a worker that is not busy. */
const CPU_LEFT_MS = 1_000;

/** One worker: a process that runs the function for as long as its wall clock allows. */
export class EdgeWorker {
  relay!: RelayProcess;
  /** The longest time, in ms, that the machine gave it no CPU since it was told to unload. */
  longestPause = 0;
  isRetired = false;
  readonly #retired = Promise.withResolvers<void>();
  readonly #unloading = Promise.withResolvers<number>();
  readonly #ended = Promise.withResolvers<Reason>();
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #isEnding = false;
  #isStopped = false;
  #promises = 0;
  #requests = 0;

  /** Resolves when it gets no more requests. */
  readonly retired = this.#retired.promise;
  /** Resolves when `beforeunload` reached it, with the milliseconds that it has left. */
  readonly unloading = this.#unloading.promise;
  /** Resolves when it was killed. */
  readonly ended = this.#ended.promise;

  /** Resolves when it listens; then its wall clock begins. */
  static async boot(
    host: Host,
    environment: Record<string, string>,
    wallClockMs: number,
  ): Promise<EdgeWorker> {
    const worker = new EdgeWorker();
    const onLine = (line: string) => worker.#hear(parse(line));
    worker.relay = await startRelay(host, environment, { entry: [BOOTSTRAP], onLine });
    const left = wallClockMs * (1 - UNLOADED_AT);
    worker.#after(wallClockMs * RETIRED_AT, () => worker.#retire());
    worker.#after(wallClockMs * UNLOADED_AT, () => worker.#end("wall_clock", left));
    return worker;
  }

  /** Counts a request until it is answered: call what it returns, once or more. */
  enter(): () => void {
    let isAnswered = false;
    this.#requests++;
    return () => {
      if (isAnswered) return;
      isAnswered = true;
      this.#requests--;
      this.#dropIfIdle();
      if (this.isRetired && this.#requests === 0 && !this.#isEnding) this.relay.tell("drain");
    };
  }

  /** Makes it end as if its CPU time were used up. */
  exhaustCpu(): void {
    this.#retire();
    this.#end("cpu", CPU_LEFT_MS);
  }

  /** Kills it without a word; it gets no more requests. */
  async stop(): Promise<void> {
    this.#isEnding = this.#isStopped = true;
    this.isRetired = true;
    this.#timers.forEach(clearTimeout);
    this.relay.signal("SIGKILL");
    await this.relay.stop();
  }

  #after(ms: number, work: () => void): void {
    this.#timers.push(setTimeout(work, ms));
  }

  #hear(line: Record<string, unknown>): void {
    if (line.event === "pending") this.#promises = Number(line.promises);
    if (line.event === "paused") this.longestPause = Number(line.ms);
    this.#dropIfIdle();
  }

  #retire(): void {
    this.isRetired = true;
    this.#retired.resolve();
    this.#dropIfIdle();
  }

  #dropIfIdle(): void {
    if (this.isRetired && this.#promises === 0 && this.#requests === 0) this.#end("early_drop", 0);
  }

  /** What is left counts from when the worker knows of it. */
  async #end(reason: Reason, leftMs: number): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    try {
      await this.relay.tell(reason);
      await this.relay.line(({ event }) => event === "unloading");
    } catch (error) {
      if (this.#isStopped) return; // Killed before it could say so.
      throw error;
    }
    this.#unloading.resolve(leftMs);
    this.#after(leftMs, () => this.#kill(reason));
  }

  async #kill(reason: Reason): Promise<void> {
    this.relay.signal("SIGKILL");
    await this.relay.exited;
    this.#ended.resolve(reason);
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // A line of the runtime's own.
  }
}
