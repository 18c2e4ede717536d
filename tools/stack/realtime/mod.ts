/** A development server for Supabase Realtime, on any Postgres with Supabase's schema realtime. */
import { json, page } from "./answer.ts";
import { handshake } from "./handshake.ts";
import { broadcastByHttp } from "./http.ts";
import { DEFAULTS, type Limits } from "./limits.ts";
import type { ClientSocket } from "./socket.ts";
import { Tenant } from "./tenant.ts";

export { type Limits, SELF_HOSTED } from "./limits.ts";

export interface RealtimeOptions {
  /** Of a superuser: it reads the write-ahead log and takes on the roles of the clients. */
  databaseUrl: string;
  /** What the HS256 tokens are signed with. */
  jwtSecret: string;
  /** Keys of tokens that name one by `kid`. */
  jwks?: { keys: JsonWebKey[] };
  /** Default: any that is free. */
  port?: number;
  /** The first label of the Host by which clients call the project. Default `realtime-dev`. */
  tenant?: string;
  /** Refuses as slowly as the original: handshakes after 2 s, joins after 5 s. Default false. */
  delays?: boolean;
  limits?: Partial<Limits>;
  /** Gets one object a line; never a token. Default: none. */
  log?: (line: Record<string, unknown>) => void;
}

export interface Realtime {
  /** `http://127.0.0.1:<port>`: the socket is at `/socket/websocket`, REST below `/api`. */
  url: string;
  /** Looks at the publication now, which it does by itself every minute. */
  lookAtPublication(): Promise<void>;
  /** Closes all sockets. The replication slots stay, so that nothing is missed until the next. */
  stop(): Promise<void>;
}

/** How long clients may take to answer that the server closes. */
const CLOSING_MS = 1_000;

/** Starts the server; it is ready when the promise is fulfilled, and gone when it is rejected. */
export async function startRealtime(options: RealtimeOptions): Promise<Realtime> {
  const { databaseUrl, jwtSecret, jwks, delays = false, log = () => {} } = options;
  const tenant = await Tenant.open({
    databaseUrl,
    keys: { jwtSecret, jwks },
    limits: { ...DEFAULTS, ...options.limits },
    delays: delays ? { handshakeMs: 2_000, joinMs: 5_000 } : { handshakeMs: 0, joinMs: 0 },
    log,
  });
  const sockets = new Set<ClientSocket>();
  const tenantName = options.tenant ?? "realtime-dev";
  const serve = () =>
    Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      onListen: () => {},
      onError: (error) => {
        log({ event: "request_failed", reason: error instanceof Error ? error.message : "" });
        return page(500, "Internal Server Error");
      },
    }, (request) => answer(request, { tenant, tenantName, sockets }));
  const server = await Promise.try(serve).catch(async (error) => {
    await tenant.stop();
    throw error;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    lookAtPublication: () => tenant.changes.lookAtPublication(),
    async stop() {
      for (const socket of sockets) socket.close(1012);
      await within(CLOSING_MS, Promise.all([...sockets].map((socket) => socket.closed)));
      await server.shutdown();
      await tenant.stop();
    },
  };
}

async function within(ms: number, work: Promise<unknown>) {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}

async function answer(
  request: Request,
  context: { tenant: Tenant; tenantName: string; sockets: Set<ClientSocket> },
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/socket/websocket") return await handshake(request, context);
  const { tenant, tenantName, sockets } = context;
  if (pathname === `/api/tenants/${tenantName}/health` && request.method === "GET") {
    return health(tenant, sockets.size);
  }
  return await broadcastByHttp(tenant, request) ?? page(404, "Not Found");
}

function health(tenant: Tenant, clients: number): Response {
  const replication = tenant.changes.isConnected && tenant.messages.isConnected;
  const data = {
    node: "realtime@127.0.0.1",
    region: "local",
    connected_cluster: clients,
    db_connected: replication,
    healthy: replication,
    replication_connected: replication,
  };
  return json(200, { data });
}
