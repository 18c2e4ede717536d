import {
  createServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { answer } from "./answer.ts";
import { allowAnyOrigin, hasCors, preflight } from "./cors.ts";
import { forward } from "./forward.ts";
import { type EdgeFunction, openFunction } from "./function.ts";
import { isSocket, type Passage, plan, type Targets } from "./plan.ts";
import { type Refusal, refuse, toHttp } from "./refuse.ts";
import { splice } from "./splice.ts";
import type { Keys } from "../keys.ts";

export type { Targets };

interface GatewayOptions {
  /** 0 takes any free one. */
  port: number;
  /** Default: 127.0.0.1. */
  hostname?: string;
  keys: Keys;
  /** Looked at anew for each request, so a part may come, go and move; 503 while it is absent. */
  targets: Targets;
}

export interface Gateway {
  /** The one origin of the whole stack, without a path. */
  url: string;
  /** Stops listening and cuts off whatever is under way. */
  stop(): Promise<void>;
}

/**
 * Serves the stack on one origin with the paths of Supabase's gateway. API keys become the JWTs that
 * REST, Auth and Realtime understand; WebSockets are carried byte for byte. Rejects with node's
 * error (`code` EADDRINUSE) if it cannot listen.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { port, hostname = "127.0.0.1", keys, targets } = options;
  const sockets = new Set<Socket>();
  const server = createServer(
    // An upgrade that means nothing here (curl offers h2c) is a plain request.
    { shouldUpgradeCallback: isSocket } as ServerOptions,
    (request, response) => serve(request, response, plan(request, keys, targets), keys),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Socket, early: Uint8Array) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    const passage = plan(request, keys, targets);
    if ("code" in passage) socket.end(toHttp(passage));
    else upgrade(request, socket, early, passage, keys);
  });
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, hostname, resolve)
  );
  return {
    url: `http://${hostname}:${(server.address() as AddressInfo).port}`,
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  passage: Passage | Refusal,
  keys: Keys,
): Promise<void> {
  const cors = hasCors(request);
  if (cors) allowAnyOrigin(response);
  if (cors && request.method === "OPTIONS") return preflight(request, response);
  if ("code" in passage) return refuse(response, passage);
  if (typeof passage.target === "function") {
    return await answer(request, response, passage.target, passage);
  }
  const origin = await originOf(request, passage.target, keys);
  if (response.destroyed) return;
  if (typeof origin === "string") forward(request, response, origin, passage);
  else refuse(response, origin);
}

async function upgrade(
  request: IncomingMessage,
  socket: Socket,
  early: Uint8Array,
  passage: Passage,
  keys: Keys,
): Promise<void> {
  const { target } = passage;
  if (typeof target === "string") return splice(request, socket, early, target, passage);
  // Whoever leaves while a function starts.
  socket.on("error", () => {});
  const origin = await originOf(request, target as EdgeFunction, keys);
  if (socket.destroyed) return;
  if (typeof origin === "string") splice(request, socket, early, origin, passage);
  else socket.end(toHttp(origin));
}

/** A server that runs is there at once; a function may have to be started. */
async function originOf(
  { method, headers: { authorization } }: IncomingMessage,
  target: string | EdgeFunction,
  keys: Keys,
): Promise<string | Refusal> {
  if (typeof target === "string") return target;
  return await openFunction(target, { method, authorization }, keys);
}
