import type { EdgeHost } from "../../../support/edge/host.ts";
import type { CutProxy } from "./cut_proxy.ts";
import { randomFrom, shuffled } from "./random.ts";

/** What can break. */
export interface Breakable {
  host: EdgeHost;
  proxy: CutProxy;
  restartRealtime(): Promise<void>;
  crashPostgres(): Promise<void>;
}

const BREAK = {
  /** The workers are gone from one moment to the next. */
  "worker killed": ({ host }: Breakable) => host.crash(),
  "Realtime restarted": (stage: Breakable) => stage.restartRealtime(),
  /** Clients hear of it at once. */
  "connection reset": ({ proxy }: Breakable) => proxy.cut("reset"),
  /** Clients hear of it by unanswered heartbeats only. */
  "connection silent": ({ proxy }: Breakable) => proxy.cut("silence"),
  "Postgres killed": (stage: Breakable) => stage.crashPostgres(),
} satisfies Record<string, (stage: Breakable) => unknown>;

/** The part of the rows between two faults that is written at full speed while nobody listens. */
const FULL_SPEED = 1 / 2;

/** How often each of them breaks in one run. */
export type Counts = Record<keyof typeof BREAK, number>;

export interface FaultOptions {
  counts: Counts;
  /** Decides their order. */
  seed: number;
  /** The writes among which they are spread evenly. */
  rows: number;
  stage: Breakable;
  /** Resolves when every viewer has seen what was written behind this. */
  recovery: (number: number) => Promise<unknown>;
}

/** Breaks one thing after the other while rows are written, each when all is well again. */
export class Faults {
  /** The newest number of all. */
  newest = 0;
  readonly #options: FaultOptions;
  readonly #plan: (keyof Counts)[];
  readonly #every: number;
  #count = 0;
  #begun = 0;
  #isUnderWay = false;
  #last: Promise<void> = Promise.resolve();
  readonly #failed = Promise.withResolvers<never>();

  constructor(options: FaultOptions) {
    this.#options = options;
    const kinds = Object.entries(options.counts) as [keyof Counts, number][];
    const all = kinds.flatMap(([kind, count]) => Array<keyof Counts>(count).fill(kind));
    this.#plan = shuffled(all, randomFrom(options.seed));
    this.#every = options.rows / (all.length + 1);
  }

  /** Whether so many rows were written since a fault that few are left before the next is due. */
  get needCalm(): boolean {
    return this.#isUnderWay && this.#count > (this.#begun + FULL_SPEED) * this.#every;
  }

  /** How many are still to come. */
  get left(): number {
    return this.#plan.length - this.#begun;
  }

  /** Rejects when something could not be broken, or nobody recovered from it. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** To be called after each write; begins the next fault if it is due. */
  onWrite(count: number, number: number): void {
    this.#count = count;
    this.newest = Math.max(this.newest, number);
    const kind = this.#plan[this.#begun];
    if (!kind || this.#isUnderWay || count < (this.#begun + 1) * this.#every) return;
    this.#begun++;
    this.#isUnderWay = true;
    this.#last = this.#run(kind);
    this.#last.catch(this.#failed.reject);
  }

  /** Resolves after the recovery from the newest one. */
  get recovered(): Promise<void> {
    return this.#last;
  }

  async #run(kind: keyof Counts): Promise<void> {
    await BREAK[kind](this.#options.stage);
    await this.#options.recovery(this.newest).catch((error) => {
      throw new Error(`no recovery from: ${kind}`, { cause: error });
    });
    this.#isUnderWay = false;
  }
}
