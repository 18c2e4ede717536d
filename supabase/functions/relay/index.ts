/** The relay on Deno and on Supabase Edge Runtime: this file only translates. */
import { type Config, ConfigError, readConfig } from "./config/config.ts";
import { boundsWithin, countFree, readFree, waitingWithin } from "./deno/descriptors.ts";
import { listen } from "./deno/listen.ts";
import { print } from "./deno/print.ts";
import { readingOff } from "./deno/read_off.ts";
import { keepsUnread, readsAnyList } from "./deno/version.ts";
import { createMisconfigured, createRelay, type Handler } from "./relay.ts";
import type { Runtime } from "./runtime.ts";

const edge = (globalThis as {
  EdgeRuntime?: { waitUntil(promise: Promise<unknown>): void };
})
  .EdgeRuntime;

// Read with the first socket. Else Deno keeps, for each, a buffer as large as its largest message: 100
// viewers of one broadcast of 2.9 MB took 330 MiB. Edge Runtime's own variables are not a worker's.
if (!edge) Deno.env.set("DENO_USE_WRITEV", "1");

const runtime: Runtime = {
  strictProtocolList: !readsAnyList(Deno.version.deno),
  // Edge Runtime compares the request's value with the answer's by case, and answers 502.
  strictUpgradeValue: edge !== undefined,
  timersPerRequest: false,
  upgrade(request, protocol) {
    const offered = request.headers.get("sec-websocket-protocol") ?? "";
    const known = protocol === undefined ||
      offered.split(", ").includes(protocol);
    const { socket, response } = Deno.upgradeWebSocket(request, known ? { protocol } : {});
    if (!known) response.headers.set("sec-websocket-protocol", protocol);
    return { socket, response };
  },
  dial: (url) => new WebSocket(url),
  keepAlive: (promise) => edge?.waitUntil(promise),
  onShutdown(listener) {
    for (const type of edge ? ["beforeunload", "drain"] : []) {
      addEventListener(type, (event) => {
        listener((event as CustomEvent).detail?.reason ?? type);
      });
    }
    if (edge) return;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => listener("termination").then(() => Deno.exit(0)));
    }
  },
  // A worker of 256 MB holds that many with room to spare.
  maxSockets: edge ? 500 : 10_000,
  now: Date.now,
  // Each call of console.log() is an event there.
  log: (line) => edge ? console.log(JSON.stringify(line)) : print(JSON.stringify(line)),
  fetch,
};

/** Refusals reach their clients, whatever these are still sending. */
const thatIsHeard = (handler: Handler) => readingOff(handler, keepsUnread(Deno.version.deno));

/** The platform accepts, and has the bounds: what is listened on here is its own business. */
function serveOnEdge(hostname: string, port: number, handler: Handler): void {
  const onListen = ({ port }: { port: number }) => runtime.log({ event: "listening", port });
  Deno.serve({ hostname, port, onListen }, thatIsHeard(handler));
}

/** A process of its own has as many descriptors as its limit says, and bounds that fit them. */
function serveAlone(config: Config): void {
  const named = config.maxSockets;
  // Who names a number has thought of it; so nothing is opened for it.
  const free = readFree() ?? (named === undefined ? countFree() : undefined);
  const fits = boundsWithin(free ?? Infinity);
  // Viewers who share take one descriptor each: a named number may be twice as large.
  const maxSockets = named === undefined
    ? Math.min(runtime.maxSockets, fits.sockets)
    : Math.min(named, 2 * fits.sockets);
  const refusalMax = Math.min(config.refusalMax, fits.refusals);
  const waitingMax = waitingWithin(fits, config.waitingMax, maxSockets);
  const onListen = (port: number) => {
    runtime.log({ event: "listening", port, maxSockets, descriptors: free ?? "unknown" });
  };
  const relay = createRelay({ ...config, maxSockets, refusalMax, waitingMax }, runtime);
  listen(
    { hostname: config.host, port: config.port, onListen, log: runtime.log },
    thatIsHeard(relay),
  );
}

try {
  const config = readConfig(Deno.env.toObject());
  if (config.pass.length > 0) {
    throw new ConfigError(["RELAY_PASS: Deno changes what it passes on; run deno task serve"]);
  }
  if (edge) serveOnEdge(config.host, config.port, createRelay(config, runtime));
  else serveAlone(config);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  for (const problem of error.problems) console.error(problem);
  if (!edge) Deno.exit(1);
  serveOnEdge("0.0.0.0", 0, createMisconfigured(error.problems));
}
