/** The relay on Cloudflare Workers: this file only translates. */
import { AsyncLocalStorage } from "node:async_hooks";
import { ConfigError, readConfig } from "../../supabase/functions/relay/config.ts";
import * as core from "../../supabase/functions/relay/relay.ts";
import type { Runtime, Socket } from "../../supabase/functions/relay/runtime.ts";

type WorkerSocket = Socket & EventTarget & { accept(): void };
type Context = { waitUntil: Runtime["keepAlive"] };
declare const WebSocketPair: new () => Record<0 | 1, WorkerSocket>;

/** Whose request runs: a promise keeps no other alive. */
const context = new AsyncLocalStorage<Context>();
/** Made with the first request: before it there is neither an environment nor a clock. */
let relay: core.Handler | undefined;

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
    const init = { headers: { upgrade: "websocket" }, signal };
    const response = await fetch(href.replace(/^ws/, "http"), init);
    const { webSocket } = response as { webSocket?: WorkerSocket };
    if (webSocket) return accept(webSocket);
    throw new Error(`answered ${response.status}`);
  },
  keepAlive: (promise) => context.getStore()?.waitUntil(promise),
  onShutdown() {}, // Nobody tells a Worker that it ends.
  maxSockets: 1_000, // 128 MB for all of them.
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

function create(environment: Record<string, string>): core.Handler {
  try {
    return core.createRelay(readConfig(environment), runtime);
  } catch (error) {
    if (error instanceof ConfigError) return core.createMisconfigured(error.problems);
    throw error;
  }
}

export default {
  fetch(request: Request, environment: Record<string, string>, ctx: Context): Promise<Response> {
    const answer = context.run(ctx, relay ??= create(environment), request);
    ctx.waitUntil(answer); // A client that leaves meanwhile still gives its place back.
    return answer;
  },
};
