import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Config } from "../../../supabase/functions/relay/config/config.ts";
import type { Handler } from "../../../supabase/functions/relay/relay.ts";
import { answer, answerUpgrade } from "./answer.ts";
import { MAX_HEAD_BYTES, requestOf } from "./request.ts";
import type { Fit } from "../fit.ts";
import { Gate } from "../pass/gate.ts";
import type { NodeRuntime } from "../runtime.ts";

/** A connection that has sent no whole head by then is closed. */
const HEAD_MS = 10_000;

/** How often Node looks for those. */
const LOOK_MS = 2_000;

/** A connection stays for the next request: longer than nginx keeps one to its upstream. */
const KEEP_ALIVE_MS = 65_000;

/** Requests of one connection that are not answered yet. Browsers and proxies wait for each answer. */
const MAX_AHEAD = 32;

/** How often connections that found no room are told. */
const TELL_MS = 10_000;

/** A server that hands each request to the relay. */
export function createFront(
  config: Config,
  { connections, passes }: Pick<Fit, "connections" | "passes">,
  relay: Handler,
  runtime: NodeRuntime,
): Server {
  const { dialTimeoutMs, pass } = config;
  const gate = pass.length > 0 ? new Gate(config, passes, relay, runtime) : undefined;
  const isOneTooMany = countAhead();
  const server = createServer({
    headersTimeout: HEAD_MS,
    // The relay has a time of its own for bodies, and an answer to those that are late. Uploads to the
    // project take what they take, as long as something moves.
    requestTimeout: gate ? 0 : HEAD_MS + 2 * dialTimeoutMs,
    connectionsCheckingInterval: LOOK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
  }, (message, response) => {
    if (isOneTooMany(message, response)) return void message.socket.destroy();
    const served = gate ? gate.serve(message, response) : serve(relay, message, response);
    served.catch(() => response.destroy());
  });
  // Node leaves out what comes behind 1,000 lines, and with it what says where the body ends.
  server.maxHeadersCount = 0;
  if (Number.isFinite(connections)) server.maxConnections = connections;
  server.on("drop", tellSeldom((count) => runtime.log({ event: "connections_dropped", count })));
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isForRelay(message)) return passOver(server, message, socket, head);
    // Whoever leaves while the relay decides.
    socket.on("error", () => socket.destroy());
    const handler = gate ? gate.upgrades : relay;
    upgrade(handler, runtime, { message, socket, head }).catch(() => socket.destroy());
  });
  return server;
}

/**
 * Counts the requests of each connection that wait for their answers: Node reads on for as long as no
 * answer fills the way back, and keeps each request. True for one beyond the bound.
 */
function countAhead(): (message: IncomingMessage, response: ServerResponse) => boolean {
  const ahead = new WeakMap<Duplex, number>();
  return ({ socket }, response) => {
    const count = (change: number) => {
      const now = (ahead.get(socket) ?? 0) + change;
      ahead.set(socket, now);
      return now;
    };
    response.once("close", () => count(-1));
    return count(1) > MAX_AHEAD;
  };
}

async function serve(relay: Handler, message: IncomingMessage, to: ServerResponse): Promise<void> {
  await answer(await relay(requestOf(message)), to);
}

async function upgrade(
  relay: Handler,
  runtime: NodeRuntime,
  offer: Parameters<NodeRuntime["offer"]>[1],
): Promise<void> {
  const request = requestOf(offer.message);
  runtime.offer(request, offer);
  const response = await relay(request);
  if (runtime.withdraw(request)) await answerUpgrade(response, offer.message, offer.socket);
}

const isForRelay = ({ method, headers }: IncomingMessage): boolean =>
  method === "GET" && headers.upgrade?.toLowerCase() === "websocket";

/**
 * An upgrade that is not known is passed over (RFC 9110, 7.8), as the one to HTTP/2 that some
 * programs send with any request: it is read anew, without that header and with its body.
 */
function passOver(server: Server, message: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = message;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let n = 0; n < rawHeaders.length; n += 2) {
    if (rawHeaders[n].toLowerCase() !== "upgrade") {
      lines.push(`${rawHeaders[n]}: ${rawHeaders[n + 1]}`);
    }
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

/** Tells how often it was called, at once and then at most every 10 s. */
function tellSeldom(tell: (count: number) => void): () => void {
  let [count, isWaiting] = [0, false];
  return function call() {
    count++;
    if (isWaiting) return;
    tell(count);
    [count, isWaiting] = [0, true];
    setTimeout(() => {
      isWaiting = false;
      if (count > 0) tell(count);
      count = 0;
    }, TELL_MS).unref();
  };
}
