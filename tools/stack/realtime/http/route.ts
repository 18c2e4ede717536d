/** Which request is what: the socket, the state of the server, a broadcast. */
import { json, page } from "./answer.ts";
import { broadcastByHttp } from "./broadcast.ts";
import { type Context, handshake } from "./handshake.ts";

export async function route(request: Request, context: Context): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/socket/websocket") return await handshake(request, context);
  const isHealth = pathname === `/api/tenants/${context.tenantName}/health`;
  if (isHealth && request.method === "GET") return health(context);
  return await broadcastByHttp(context.tenant, request) ?? page(404, "Not Found");
}

function health({ tenant, sockets }: Context): Response {
  const replication = tenant.changes.isConnected && tenant.messages.isConnected;
  const data = {
    node: "realtime@127.0.0.1",
    region: "local",
    connected_cluster: sockets.size,
    db_connected: replication,
    healthy: replication,
    replication_connected: replication,
  };
  return json(200, { data });
}
