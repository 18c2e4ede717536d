import { hosts } from "../relay_host.ts";
import { startFront } from "./front.ts";
import { Pool } from "./pool.ts";
import { EdgeWorker, type Life } from "./worker.ts";

/** A host like Edge Runtime. */
export interface EdgeHost {
  /** `127.0.0.1:<port>`, whichever worker answers there. */
  address: string;
  /** All workers so far, the newest last. */
  workers: EdgeWorker[];
  /** Resolves with the n-th worker, from 0, when it has booted. */
  worker(n: number): Promise<EdgeWorker>;
  /** Everything that the workers printed. */
  readonly output: string[];
  /** Gets a SIGTERM, as `docker stop` sends it; resolves when the last worker has ended. */
  terminate(killAfterMs?: number): Promise<void>;
  /** Kills all workers of now without notice. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** In seconds; by default as on a paid project, without limits on CPU. */
export interface EdgeOptions extends Pick<Life, "cpu" | "bornBeforeMs"> {
  wallClock?: number;
  /** How many workers boot at a time. Edge Runtime: as many as there are cores. Default: 1. */
  parallelism?: number;
}

/** Edge Runtime follows Deno 2.1.4. */
export const edgeDeno = hosts.find(({ name }) => name === "Deno 2.1.4")!;

/** Why there is no such host here, for the names of tests. */
export const edgeMissing = edgeDeno.deno ? "" : " (skipped: npx cannot get deno@2.1.4)";

/** Docker kills so many ms after its SIGTERM. */
const DOCKER_MS = 10_000;

/** The wall clock of a paid project, in seconds. */
const WALL_CLOCK_S = 400;

/**
 * Runs the relay as Edge Runtime does: each worker is a process of its own. What is imitated, and what
 * is not, is told by README.md, with the place in Edge Runtime's source that says so.
 */
export async function startEdgeHost(
  environment: Record<string, string>,
  { wallClock = WALL_CLOCK_S, parallelism = 1, ...life }: EdgeOptions = {},
): Promise<EdgeHost> {
  const wallClockMs = wallClock * 1000;
  const pool = new Pool(
    parallelism,
    (onIdle) => EdgeWorker.boot(edgeDeno, environment, { ...life, wallClockMs }, onIdle),
  );
  const { workers } = pool;

  async function crash(): Promise<void> {
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  if (parallelism === 1) await pool.take();
  const front = await startFront(() => pool.take());
  return {
    address: `127.0.0.1:${front.port}`,
    workers,
    worker: (n) => pool.worker(n),
    get output() {
      return workers.flatMap(({ relay }) => relay.output);
    },
    async terminate(killAfterMs = DOCKER_MS) {
      const timer = setTimeout(crash, killAfterMs);
      front.refuse();
      await pool.empty();
      workers.forEach((worker) => worker.terminate());
      await Promise.all(workers.map(({ ended }) => ended));
      clearTimeout(timer);
    },
    crash,
    async stop() {
      await front.stop();
      await pool.empty();
      await crash();
    },
  };
}
