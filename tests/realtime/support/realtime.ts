/** A Realtime on a Postgres of its own, and what tests do with them. */
import postgres from "postgres";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { signToken } from "../../../tools/stack/keys.ts";
import { type Postgres, startPostgres } from "../../../tools/stack/postgres/postgres.ts";
import {
  type Realtime,
  type RealtimeOptions,
  startRealtime,
} from "../../../tools/stack/realtime/mod.ts";
import { CLUSTER } from "../../support/database.ts";
import { onceFree } from "../../support/once_free.ts";
import { takeCopy } from "../../support/template.ts";

export const JWT_SECRET = "a secret of tests only, of more than 32 characters";
/** A wait that fails a test, never one that decides it. */
export const DEADLINE_MS = 20_000;
const ONE_HOUR = 3600;
/** Safe: it is processes that die here, never the machine. */
const SETTINGS = { fsync: "off" };

export interface Bench {
  postgres: Postgres;
  realtime: Realtime;
  /** As superuser. */
  sql: postgres.Sql;
  /** Lines that the server logged. */
  log: Record<string, unknown>[];
  token(claims?: Record<string, unknown>, expiresInSeconds?: number): Promise<string>;
  /** An unchanged supabase-js client whose Realtime is the bare server. */
  client(claims?: Record<string, unknown>, vsn?: string): Promise<SupabaseClient>;
  /** Starts the server anew, on the same database and port. */
  restart(options?: Partial<RealtimeOptions>): Promise<void>;
  /** SIGKILL for Postgres, and a new one on its data and port. */
  crashPostgres(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a Postgres and a Realtime, both ended and removed at the end of the scope. */
export async function openBench(options: Partial<RealtimeOptions> = {}): Promise<Bench> {
  const dataDir = await takeCopy(CLUSTER);
  const server = await startPostgres({ dataDir, settings: SETTINGS });
  const log: Record<string, unknown>[] = [];
  const start = (more: Partial<RealtimeOptions> = {}) =>
    startRealtime({
      databaseUrl: server.adminUrl,
      jwtSecret: JWT_SECRET,
      // The first label of the Host header, which is 127.0.0.1 here.
      tenant: "127",
      log: (line) => log.push(line),
      ...options,
      ...more,
    });
  const sql = postgres(server.adminUrl, { max: 4, fetch_types: false, onnotice: () => {} });
  const clients: SupabaseClient[] = [];
  const bench: Bench = {
    postgres: server,
    realtime: await start(),
    sql,
    log,
    token: (claims = {}, expires = ONE_HOUR) =>
      signToken(JWT_SECRET, { role: "anon", ...claims }, expires),
    async client(claims = {}, vsn) {
      const token = await bench.token(claims);
      const client = supabase(bench.realtime.url, token, vsn);
      clients.push(client);
      return client;
    },
    async restart(more) {
      const port = Number(new URL(bench.realtime.url).port);
      await bench.realtime.stop();
      bench.realtime = await onceFree(() => start({ port, ...more }));
    },
    async crashPostgres() {
      const { port } = bench.postgres;
      bench.postgres.kill();
      await bench.postgres.exited;
      bench.postgres = await startPostgres({ dataDir, port, settings: SETTINGS });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => {
        // A channel that was refused would wait for an answer to its leave, and rejoin.
        for (const channel of client.getChannels()) channel.teardown();
        return client.realtime.disconnect();
      }));
      await bench.realtime.stop();
      await sql.end();
      await bench.postgres.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
  return bench;
}

/** supabase-js, unchanged: only its URLs are those of the server without a gateway in front. */
function supabase(url: string, token: string, vsn?: string): SupabaseClient {
  class Transport extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address.replace("/realtime/v1/websocket", "/socket/websocket"), protocols);
    }
  }
  return createClient(url, token, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: (input, init) => fetch(String(input).replace("/realtime/v1/api", "/api"), init),
    },
    realtime: { transport: Transport as never, ...(vsn ? { vsn } : {}) },
  });
}
