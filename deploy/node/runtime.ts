import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import process from "node:process";
import type { Duplex } from "node:stream";
// @ts-types="./sockets/ws.d.ts"
import { WebSocketServer } from "ws";
import type { Config } from "../../supabase/functions/relay/config/config.ts";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import type { Runtime, Socket } from "../../supabase/functions/relay/runtime.ts";
import { Accepted, boundsOf } from "./sockets/accepted.ts";
import { Dialled } from "./sockets/dialled.ts";
import { MAX_SOCKETS } from "./fit.ts";
import { Pacer } from "./sockets/pace.ts";
import { leave, Pulse } from "./sockets/pulse.ts";

/** A peer that was told to close and does not answer is cut after this. */
const CLOSE_MS = 5_000;

/** Realtime waits for its client at this part of what may be unsent to one: 512 kB. */
const PACE = 1 / 32;

/** A request for an upgrade, with the connection that it came on. */
export interface Offer {
  message: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** The relay's port on Node: what `ws` and the process do, by the names that the relay has for it. */
export interface NodeRuntime extends Runtime {
  /** Tells which connection a request came on. */
  offer(request: Request, offer: Offer): void;
  /** Takes it back. True where its upgrade was not accepted: it is still to be answered. */
  withdraw(request: Request): boolean;
}

/** `onSignal` is called when the process is told to end, `onEnd` when all sockets are closed. */
export function createRuntime(
  config: Config,
  onSignal: () => void,
  onEnd: () => void,
): NodeRuntime {
  const offers = new WeakMap<Request, Offer>();
  const pulse = new Pulse();
  const pacer = new Pacer(config.maxUnsentBytes * PACE);
  const bounds = { perMessageDeflate: false, closeTimeout: CLOSE_MS };
  // No message is larger than what may be unsent to a client.
  const dialling = { ...bounds, maxPayload: config.maxUnsentBytes };
  const server = new WebSocketServer({
    ...bounds,
    noServer: true,
    clientTracking: false,
    ...boundsOf(config.maxFrameBytes),
    WebSocket: Accepted,
  });
  server.on("wsClientError", refuse);

  function accept({ message, socket, head }: Offer, protocol: string | undefined): Accepted {
    // Of a list `ws` would answer the first.
    if (protocol === undefined) delete message.headers["sec-websocket-protocol"];
    else message.headers["sec-websocket-protocol"] = protocol;
    let accepted: Accepted | undefined;
    server.handleUpgrade(message, socket, head, (it) => accepted = it as Accepted);
    if (!accepted) throw new RelayError("bad_request", "The client has left.");
    accepted.on("error", ignore).on("pong", heard).on("close", gone);
    pulse.watch(accepted);
    return accepted;
  }

  return {
    strictProtocolList: false,
    timersPerRequest: false,
    offer: (request, offer) => void offers.set(request, offer),
    withdraw: (request) => offers.delete(request),
    upgrade(request, protocol) {
      const offer = offers.get(request);
      if (!offer) throw new RelayError("bad_request", "The connection cannot be upgraded.");
      const socket = accept(offer, protocol);
      offers.delete(request);
      queueMicrotask(() => socket.emit("open"));
      return { socket: socket as unknown as Socket, response: new Response() };
    },
    dial: (url) => new Dialled(url, dialling, pacer) as unknown as Socket,
    keepAlive() {},
    onShutdown(listener) {
      for (const signal of ["SIGINT", "SIGTERM"]) {
        process.on(signal, () => {
          onSignal();
          listener("termination").then(onEnd);
        });
      }
    },
    maxSockets: MAX_SOCKETS,
    now: Date.now,
    log: (line) => console.log(JSON.stringify(line)),
    fetch,
  };
}

/** What `ws` says of a handshake that it does not take. */
function refuse({ message }: Error): never {
  throw new RelayError("bad_request", `The handshake is not as it should be: ${message}.`);
}

/** A `close` event follows, of which the relay is told. */
function ignore(): void {}

function heard(this: unknown): void {
  (this as Accepted).wasHeard = true;
}

function gone(this: unknown): void {
  leave(this as Accepted);
}
