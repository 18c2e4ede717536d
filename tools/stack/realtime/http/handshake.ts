/** The WebSocket handshake: who may open a socket, and how the others are answered. */
import { serveClient } from "../channels/serve.ts";
import type { ClientSocket } from "../channels/socket.ts";
import type { Tenant } from "../tenant.ts";
import { type Identity, TokenError, verify } from "../token.ts";
import type { Vsn } from "../wire/message.ts";
import { bare, json } from "./answer.ts";
import { headersOf } from "./headers.ts";

/** What the server serves, and to whom by now. */
export interface Context {
  tenant: Tenant;
  /** The first label of the Host header by which the tenant is called. */
  tenantName: string;
  /** The sockets that are open. */
  sockets: Set<ClientSocket>;
}

/** Characters of a header that the original reads; a large cookie or token is above it. */
const MAX_HEADER = 4096;

/** Upgrades a request to a socket, or refuses it with the original's status and words. */
export async function handshake(request: Request, context: Context): Promise<Response> {
  const { tenant, tenantName, sockets } = context;
  if ([...request.headers.values()].some((value) => value.length > MAX_HEADER)) {
    return bare(431);
  }
  if (request.method !== "GET") return bare(400);
  const fault = faultOf(request.headers);
  if (fault) return bare(400, fault);
  const { searchParams } = new URL(request.url);
  const vsn = searchParams.get("vsn") ?? "1.0.0";
  if (vsn !== "1.0.0" && vsn !== "2.0.0") return bare(403);
  const refuse = async (status: number, error: string) => {
    await new Promise((resolve) => setTimeout(resolve, tenant.delays.handshakeMs));
    return json(status, { error });
  };
  if (request.headers.get("host")?.split(".")[0] !== tenantName) {
    return refuse(404, "Tenant not found");
  }
  const token = request.headers.get("x-api-key") ?? searchParams.get("apikey");
  if (!token) return refuse(401, "API key is missing");
  try {
    const identity = await verify(token, tenant.keys);
    if (sockets.size >= tenant.limits.sockets) return refuse(429, "Too many connected users");
    if (tenant.joins.isFull) return refuse(429, "Too many joins per second");
    // The original keeps no others of a handshake.
    const headers = headersOf(request, (name) => name.startsWith("x-"));
    return accept(request, { tenant, vsn, identity, headers }, sockets);
  } catch (error) {
    if (error instanceof TokenError) return refuse(401, error.handshake);
    throw error;
  }
}

/** What makes it no upgrade to WebSockets. */
function faultOf(headers: Headers): string | undefined {
  const got = (name: string) => {
    const value = headers.get(name);
    return value === null ? "[]" : `[${JSON.stringify(value)}]`;
  };
  for (const [name, token] of [["connection", "upgrade"], ["upgrade", "websocket"]]) {
    const tokens = (headers.get(name) ?? "").toLowerCase().split(",").map((it) => it.trim());
    if (!tokens.includes(token)) {
      return `'${name}' header must contain '${token}', got ${got(name)}`;
    }
  }
  if (!headers.has("sec-websocket-key")) return "'sec-websocket-key' header is absent";
  const version = "sec-websocket-version";
  if (headers.get(version) !== "13") {
    return `'${version}' header must equal '13', got ${got(version)}`;
  }
}

function accept(
  request: Request,
  options: { tenant: Tenant; vsn: Vsn; identity: Identity; headers: string },
  sockets: Set<ClientSocket>,
): Response {
  // No idle timeout of the runtime's: clients are judged by their heartbeats alone.
  const { socket: web, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  const socket = serveClient(web, options);
  sockets.add(socket);
  socket.closed.then(() => sockets.delete(socket));
  return response;
}
