import {
  createServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { answer } from "./gateway/answer.ts";
import { allowAnyOrigin, hasCors, preflight } from "./gateway/cors.ts";
import { forward } from "./gateway/forward.ts";
import { isSocket, type Passage, plan, type Targets } from "./gateway/plan.ts";
import { type Refusal, refuse, toHttp } from "./gateway/refuse.ts";
import { splice } from "./gateway/splice.ts";
import type { Keys } from "./keys.ts";

export type { Targets };

export interface GatewayOptions {
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
    (request, response) => serve(request, response, plan(request, keys, targets)),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Socket, early: Uint8Array) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    const passage = plan(request, keys, targets);
    if ("code" in passage) socket.end(toHttp(passage));
    else splice(request, socket, early, passage.target as string, passage);
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

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  passage: Passage | Refusal,
): void {
  const cors = hasCors(request);
  if (cors) allowAnyOrigin(response);
  if (cors && request.method === "OPTIONS") preflight(request, response);
  else if ("code" in passage) refuse(response, passage);
  else if (typeof passage.target === "string") forward(request, response, passage.target, passage);
  else answer(request, response, passage.target, passage);
}
