import { CORES, cpuOf, memoryOf, pin, processTree } from "./cpu.ts";
import { type Load, startLoad } from "./load/driver.ts";
import { headOf } from "./load/head.ts";
import { nameOf, type Peer } from "./peers/peer.ts";

/** A peer and its load, each on a core of its own. */
export interface Rig extends AsyncDisposable {
  peer: Peer;
  load: Load;
  /** The proxy's processes. */
  pids: number[];
  /** When the proxy was started, by performance.now(). */
  startedAt: number;
  /** Opens so many sockets through the proxy; `paired` says whether each has its own upstream. */
  open(sockets: number, paired?: boolean): Promise<void>;
  /** Sends so many HTTP requests through the proxy; gives the median time to an answer, in ms. */
  request(count: number): Promise<{ ms: number }>;
  /** CPU time of the proxy for this work, in µs, and what share of its core it and the load took. */
  measure(work: () => Promise<unknown>): Promise<Taken>;
  /** What the proxy has in memory, in kB. */
  memory(): number;
}

export interface Taken {
  us: number;
  proxy: number;
  load: number;
}

export async function startRig(peer: Peer): Promise<Rig> {
  const load = await startLoad(nameOf(peer));
  const startedAt = performance.now();
  const proxy = await peer.start(load.port);
  const pids = processTree(proxy.pid);
  await pin(pids, CORES?.proxy);
  const head = (n: number) => {
    const { path, headers, host = `127.0.0.1:${proxy.port}` } = peer.request(n);
    return headOf(path, host, headers);
  };
  return {
    peer,
    load,
    pids,
    startedAt,
    async open(sockets, paired = true) {
      const heads = Array.from({ length: sockets }, (_, n) => head(n));
      await load.tell("open", { port: proxy.port, heads, paired });
    },
    request: (count) =>
      load.tell("request", { port: proxy.port, host: `127.0.0.1:${proxy.port}`, count }),
    async measure(work) {
      const now = () => [cpuOf(pids), cpuOf([load.pid]), performance.now() * 1000];
      const before = now();
      await work();
      const [us, loadUs, wall] = now().map((value, n) => value - before[n]);
      return { us, proxy: us / wall, load: loadUs / wall };
    },
    memory: () => memoryOf(pids),
    async [Symbol.asyncDispose]() {
      await load[Symbol.asyncDispose]();
      await proxy.stop();
    },
  };
}
