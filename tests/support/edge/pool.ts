import type { EdgeWorker } from "./worker.ts";

/** How long a request waits for a worker. */
const WAIT_MS = 10_000;

/**
 * The workers of one function. A request goes to those that serve, in turn; without one it boots its
 * own, several at a time where `parallelism` allows, and else waits until some worker has answered a
 * request, or is retired.
 */
export class Pool {
  readonly workers: EdgeWorker[] = [];
  readonly #booting = new Set<Promise<EdgeWorker>>();
  readonly #waiting = new Set<() => void>();
  #next = 0;
  #isEnding = false;

  constructor(
    readonly parallelism: number,
    readonly boot: (onIdle: () => void) => Promise<EdgeWorker>,
  ) {}

  /** Rejects where no worker serves in time. */
  async take(): Promise<EdgeWorker> {
    const end = performance.now() + WAIT_MS;
    while (!this.#isEnding && performance.now() < end) {
      const serving = this.workers.filter(({ isRetired }) => !isRetired);
      if (serving.length > 0) return serving[this.#next++ % serving.length];
      if (this.#booting.size < this.parallelism) return await this.#begin();
      await this.#change(end - performance.now());
    }
    throw new Error("worker did not respond in time");
  }

  /** Resolves with the n-th worker, from 0, when it has booted. */
  async worker(n: number): Promise<EdgeWorker> {
    while (n >= this.workers.length) await this.#change();
    return this.workers[n];
  }

  /** Resolves when no request is under way; no worker is booted any more. */
  async empty(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#booting);
    while (this.workers.some(({ isAnswering }) => isAnswering)) await this.#change();
  }

  async #begin(): Promise<EdgeWorker> {
    const booting = this.boot(this.#wake);
    this.#booting.add(booting);
    try {
      const worker = await booting;
      this.workers.push(worker);
      return worker;
    } finally {
      this.#booting.delete(booting);
      this.#wake();
    }
  }

  readonly #wake = (): void => {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    waiting.forEach((wake) => wake());
  };

  async #change(withinMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}
