/** The relay on Deno and on Supabase Edge Runtime: this file only translates. */
import { ConfigError, readConfig } from "./config.ts";
import { createMisconfigured, createRelay, type Handler } from "./relay.ts";
import type { Runtime } from "./runtime.ts";

const edge = (globalThis as {
  EdgeRuntime?: { waitUntil(promise: Promise<unknown>): void };
})
  .EdgeRuntime;

const runtime: Runtime = {
  // Deno 2.1 splits by ", " and makes the headers immutable; Edge Runtime names no plain version.
  strictProtocolList: !(parseFloat(Deno.version.deno) >= 2.9),
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
  log: (line) => console.log(JSON.stringify(line)),
  fetch,
};

function serve(hostname: string, port: number, handler: Handler): void {
  const onListen = ({ port }: { port: number }) => runtime.log({ event: "listening", port });
  Deno.serve({ hostname, port, onListen }, handler);
}

try {
  const config = readConfig(Deno.env.toObject());
  serve(config.host, config.port, createRelay(config, runtime));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  for (const problem of error.problems) console.error(problem);
  if (!edge) Deno.exit(1);
  serve("0.0.0.0", 0, createMisconfigured(error.problems));
}
