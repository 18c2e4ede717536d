import { startFront } from "./edge_front.ts";
import { EdgeWorker } from "./edge_worker.ts";
import { hosts } from "./relay_host.ts";

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
  /** Kills all workers of now without notice. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** Edge Runtime follows Deno 2.1.4. */
export const edgeDeno = hosts.find(({ name }) => name === "Deno 2.1.4")!;

/** Why there is no such host here, for the names of tests. */
export const edgeMissing = edgeDeno.deno ? "" : " (skipped: npx cannot get deno@2.1.4)";

/** The wall clock of a paid project, in seconds. */
const WALL_CLOCK_S = 400;

/**
 * Runs the relay as hosted Edge Runtime does: each worker is a process of its own with
 * `EdgeRuntime.waitUntil`. From its boot its wall clock runs, in seconds. At half of it the worker is
 * retired: new requests boot a new one, and once nothing is pending in waitUntil it is dropped. If a
 * request was under way, `drain` follows its answer. At 90 % it gets `beforeunload`, at the end SIGKILL, without a close frame. A worker is booted by a
 * request. An upgrade that is answered otherwise than by 101 reaches the client as a bare 502.
 */
export async function startEdgeHost(
  environment: Record<string, string>,
  wallClock: number = WALL_CLOCK_S,
): Promise<EdgeHost> {
  const workers: EdgeWorker[] = [];
  const waiting = new Set<() => void>();
  let booting: Promise<EdgeWorker> | undefined;

  async function boot(): Promise<EdgeWorker> {
    const worker = await EdgeWorker.boot(edgeDeno, environment, wallClock * 1000);
    workers.push(worker);
    booting = undefined;
    waiting.forEach((wake) => wake());
    return worker;
  }

  async function current(): Promise<EdgeWorker> {
    const worker = workers.at(-1);
    return worker && !worker.isRetired ? worker : await (booting ??= boot());
  }

  async function crash(): Promise<void> {
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  await current();
  const front = await startFront(current);
  return {
    address: `127.0.0.1:${front.port}`,
    workers,
    async worker(n) {
      while (n >= workers.length) await new Promise<void>((wake) => waiting.add(wake));
      return workers[n];
    },
    get output() {
      return workers.flatMap(({ relay }) => relay.output);
    },
    crash,
    async stop() {
      await booting;
      await front.stop();
      await crash();
    },
  };
}
