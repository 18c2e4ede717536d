/**
 * A development server for Supabase Realtime, on any Postgres with Supabase's schema realtime.
 *
 *     clients <--> http, channels <-+-> changes <-+-- log <-- Postgres
 *                                   +-> topics <--+
 *
 *     wire       JSON and frames, as Elixir and both versions of Phoenix write them
 *     database   questions to Postgres, and the functions there that answer them
 *     log        what was committed, in order, and none of it left out
 *     bindings   what a client asks for: tables, filters, columns
 *     changes    who is told of which change        topics    who has joined what, and who is there
 *     tenant.ts  what all clients share
 *     channels   one client: its socket, what it has joined, each of its messages
 *     http       who may open a socket, and broadcasts without one
 *
 * Each imports from those above it alone. What `changes` and `topics` need of a channel they say
 * themselves: a Subscriber, a Member.
 */
import { type Log, reasonOf } from "../log.ts";
import { within } from "../within.ts";
import { page } from "./http/answer.ts";
import type { Context } from "./http/handshake.ts";
import { route } from "./http/route.ts";
import { DEFAULTS, type Limits } from "./limits.ts";
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
  log?: Log;
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
  const sockets: Context["sockets"] = new Set();
  const tenantName = options.tenant ?? "realtime-dev";
  const serve = () =>
    Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      onListen: () => {},
      onError: (error) => {
        log({ event: "request_failed", reason: reasonOf(error) });
        return page(500, "Internal Server Error");
      },
    }, (request) => route(request, { tenant, tenantName, sockets }));
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
