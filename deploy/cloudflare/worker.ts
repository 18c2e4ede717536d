/** The relay on Cloudflare Workers: this file only translates. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Config } from "../../supabase/functions/relay/config/config.ts";
import { type Handler, relayFor } from "../../supabase/functions/relay/relay.ts";
import type { Runtime, Socket } from "../../supabase/functions/relay/runtime.ts";
import { createPass } from "./pass.ts";

type WorkerSocket = Socket & EventTarget & { accept(): void };
type Context = { waitUntil: Runtime["keepAlive"] };
declare const WebSocketPair: new () => Record<0 | 1, WorkerSocket>;
const context = new AsyncLocalStorage<Context>(); // Which request a promise belongs to.
let relay: Handler | undefined; // Before the first request there is no clock.

const runtime: Runtime = {
  strictProtocolList: false,
  timersPerRequest: true,
  upgrade(_request, protocol) {
    const { 0: webSocket, 1: socket } = new WebSocketPair();
    const headers = protocol ? { "sec-websocket-protocol": protocol } : undefined;
    const init = { status: 101, webSocket, headers };
    return { socket: accept(socket), response: new Response(null, init) };
  },
  async dial({ href }, signal) {
    const init = { headers: { upgrade: "websocket" }, signal: signal() };
    const response = await fetch(href.replace(/^ws/, "http"), init);
    const { webSocket } = response as { webSocket?: WorkerSocket };
    if (webSocket) return accept(webSocket);
    throw new Error(`answered ${response.status}`);
  },
  keepAlive: (promise) => context.getStore()?.waitUntil(promise),
  onShutdown() {}, // Nobody tells a Worker that it ends.
  maxSockets: 400, // Of 128 MB each takes up to 0.22.
  now: Date.now,
  log: (line) => console.log(JSON.stringify(line)),
  fetch: (input, init) => fetch(input, init), // As a method of another object it throws.
};

/** Accepted at once, so that it can be sent to; open when the relay's listeners are there. */
function accept(socket: WorkerSocket): Socket {
  socket.accept();
  setTimeout(() => socket.dispatchEvent(new Event("open")));
  return socket;
}

/** A client that leaves meanwhile still gives its place back. */
const kept = (relay: Handler): Handler => (request) => {
  const answer = relay(request);
  runtime.keepAlive(answer);
  return answer;
};

/** With the whole project around it where that is asked for. */
const put = (relay: Handler, config: Config): Handler =>
  config.pass.length > 0 ? createPass(kept(relay), config, runtime) : kept(relay);

export default {
  fetch(request: Request, environment: Record<string, string>, ctx: Context): Promise<Response> {
    return context.run(ctx, relay ??= relayFor(environment, runtime, put), request);
  },
};
