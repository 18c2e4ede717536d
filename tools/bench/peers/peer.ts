import { CORES, cpuOf, memoryOf, pin, processTree } from "../cpu.ts";
import { type Load, startLoad } from "../load/driver.ts";

/** Something that carries WebSockets from clients to an upstream. */
export interface Peer {
  name: string;
  version: string;
  /** Starts it in front of the upstream at this port of 127.0.0.1. */
  start(upstream: number): Promise<Proxy>;
  /** The path, and further header lines, of the n-th client's request. */
  request(n: number): { path: string; headers?: string[] };
}

/** One that runs. */
export interface Proxy {
  port: number;
  pid: number;
  stop(): Promise<unknown>;
}

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

const HANDSHAKE = [
  ...["Upgrade: websocket", "Connection: Upgrade"],
  ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
];

export async function startRig(peer: Peer): Promise<Rig> {
  const load = await startLoad();
  const startedAt = performance.now();
  const proxy = await peer.start(load.port);
  const pids = processTree(proxy.pid);
  await pin(pids, CORES?.proxy);
  const head = (n: number) => {
    const { path, headers = [] } = peer.request(n);
    const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${proxy.port}`, ...HANDSHAKE];
    return [...lines, ...headers, "", ""].join("\r\n");
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
