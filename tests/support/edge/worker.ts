import { fileURLToPath } from "node:url";
import { type Host, type RelayProcess, startRelay } from "../relay_host.ts";
import { type CpuLimits, TOLD_AT, watchCpu } from "./cpu.ts";

/** Why a worker ended. */
export type Reason = "wall_clock" | "cpu" | "early_drop" | "termination" | "exit";

const BOOTSTRAP = fileURLToPath(new URL("bootstrap.ts", import.meta.url));

/** Parts of the wall clock, as Edge Runtime has them. */
const RETIRED_AT = 1 / 2;
const UNLOADED_AT = 9 / 10;

/** What a tenth of the CPU time may last, in a worker that is not busy. */
const CPU_LEFT_MS = 1_000;

/** How a worker lives; times in ms. */
export interface Life {
  wallClockMs: number;
  /** Default: none, as Edge Runtime has it for limits of 0. */
  cpu?: CpuLimits;
  /** How old it is for itself when it boots. Its wall clock knows nothing of it. Default: 0. */
  bornBeforeMs?: number;
}

/**
 * One worker: a process that runs the function for as long as its limits allow.
 *
 * ```
 *   serving ── half of the wall clock, the soft limit on CPU, a SIGTERM ──▶ retired
 *   retired ── no request under way, no promise pending ──▶ beforeunload `early_drop`, killed
 *      any  ── 9/10 of the wall clock, of the hard limit on CPU ──▶ beforeunload, killed at the whole
 * ```
 */
export class EdgeWorker {
  relay!: RelayProcess;
  /** The longest time, in ms, that the machine gave it no CPU since it was told to unload. */
  longestPause = 0;
  isRetired = false;
  readonly #retired = Promise.withResolvers<void>();
  readonly #unloading = Promise.withResolvers<number>();
  readonly #ended = Promise.withResolvers<Reason>();
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #stopCpu = () => {};
  #isTerminating = false;
  #isDrained = false;
  #isDropped = false;
  #isKilled = false;
  #promises = 0;
  #requests = 0;

  /** Resolves when it gets no more requests. */
  readonly retired = this.#retired.promise;
  /** Resolves when a `beforeunload` reached it, with the milliseconds that it has left. */
  readonly unloading = this.#unloading.promise;
  /** Resolves when it was killed. */
  readonly ended = this.#ended.promise;

  /** `onIdle` is called when it has answered a request, and when it is retired. */
  private constructor(readonly onIdle: () => void) {}

  /** Resolves when it listens; then its wall clock begins, and its CPU counts. */
  static async boot(
    host: Host,
    environment: Record<string, string>,
    life: Life,
    onIdle: () => void = () => {},
  ): Promise<EdgeWorker> {
    const worker = new EdgeWorker(onIdle);
    const onLine = (line: string) => worker.#hear(parse(line));
    const born = { EDGE_BORN_BEFORE_MS: String(life.bornBeforeMs ?? 0) };
    const options = { entry: [BOOTSTRAP], onLine };
    worker.relay = await startRelay(host, { ...environment, ...born }, options);
    worker.#live(life);
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
      if (this.isRetired && this.#requests === 0) this.#drain();
      this.#dropIfIdle();
      this.onIdle();
    };
  }

  get isAnswering(): boolean {
    return this.#requests > 0;
  }

  /** Lets it get no more requests, as at half of its wall clock. */
  retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    this.#retired.resolve();
    this.#dropIfIdle();
    this.onIdle();
  }

  /** Makes it end as if its CPU time were used up. */
  exhaustCpu(): void {
    this.retire();
    this.#unload("cpu", CPU_LEFT_MS);
    this.#after(CPU_LEFT_MS, () => this.#kill("cpu"));
  }

  /** Lets it go, as behind a SIGTERM when every request is answered. */
  terminate(): void {
    this.#isTerminating = true;
    this.retire();
    this.#drain();
    this.#dropIfIdle();
  }

  /** Kills it without a word, as when the whole process exits; it gets no more requests. */
  async stop(): Promise<void> {
    this.isRetired = true;
    await this.#kill("exit");
    await this.relay.stop();
  }

  #live({ wallClockMs, cpu }: Life): void {
    const left = wallClockMs * (1 - UNLOADED_AT);
    this.#after(wallClockMs * RETIRED_AT, () => this.retire());
    this.#after(wallClockMs * UNLOADED_AT, () => this.#unload("wall_clock", left));
    this.#after(wallClockMs, () => this.#kill("wall_clock"));
    if (!cpu) return;
    let isTold = false;
    this.#stopCpu = watchCpu(this.relay.pid, (ms) => {
      if (ms >= cpu.softMs) this.retire();
      if (ms >= cpu.hardMs) this.#kill("cpu");
      else if (ms >= cpu.hardMs * TOLD_AT && !isTold) {
        isTold = true;
        this.#unload("cpu", cpu.hardMs - ms);
      }
    });
  }

  #after(ms: number, work: () => void): void {
    this.#timers.push(setTimeout(work, ms));
  }

  #hear(line: Record<string, unknown>): void {
    if (line.event === "pending") this.#promises = Number(line.promises);
    if (line.event === "paused") this.longestPause = Number(line.ms);
    this.#dropIfIdle();
  }

  /** Once in a worker's life. */
  #drain(): void {
    if (this.#isDrained) return;
    this.#isDrained = true;
    this.relay.tell("drain").catch(ended);
  }

  #dropIfIdle(): void {
    if (!this.isRetired || this.#promises > 0 || this.#requests > 0 || this.#isDropped) return;
    this.#isDropped = true;
    const reason = this.#isTerminating ? "termination" : "early_drop";
    this.#unload("early_drop", 0).then(() => this.#kill(reason));
  }

  /** Resolves when it knows; what is left counts from then. */
  async #unload(reason: string, leftMs: number): Promise<void> {
    try {
      await this.relay.tell(reason);
      await this.relay.line((line) => line.event === "unloading" && line.reason === reason);
    } catch (error) {
      if (!this.#isKilled) throw error;
    }
    this.#unloading.resolve(leftMs);
  }

  async #kill(reason: Reason): Promise<void> {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#timers.forEach(clearTimeout);
    this.#stopCpu();
    this.relay.signal("SIGKILL");
    await this.relay.exited;
    this.retire();
    this.#ended.resolve(reason);
  }
}

/** Whoever was killed meanwhile need not be told. */
function ended(): void {}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // A line of the runtime's own.
  }
}
