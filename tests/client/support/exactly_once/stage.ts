import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { signToken } from "../../../../tools/stack/keys.ts";
import { type EdgeHost, startEdgeHost } from "../../../support/edge/host.ts";
import { type TestStack, withStack } from "../../../support/stack.ts";
import { type CutProxy, startCutProxy } from "./cut_proxy.ts";

/** Longer than a run; the expiry of tokens has tests of its own. */
const TOKEN_S = 3600;

/** A whole project, with a relay whose workers die and a network that can be cut. */
export interface Stage {
  stack: TestStack;
  host: EdgeHost;
  proxy: CutProxy;
  /** As superuser; lives through a restart of Postgres. */
  sql: postgres.Sql;
  /** The relay, behind the network. */
  relay: string;
  token: string;
  /** Another relay of the same project, whose workers live this long, in seconds. */
  startHost(wallClock: number): Promise<EdgeHost>;
  /** supabase-js with this transport. */
  client(transport: unknown, heartbeatMs?: number): SupabaseClient;
}

export interface StageOptions {
  /** Of a worker, in seconds. */
  wallClock: number;
  /** Public links that exist. */
  slugs: string[];
}

/** Runs `work` on a stage of its own; nothing is left of it afterwards. */
export async function withStage(
  { wallClock, slugs }: StageOptions,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  await withStack(async (stack) => {
    const { info } = stack;
    const sql = postgres(info.DB_URL, { max: 1, fetch_types: false, onnotice: () => {} });
    const links = slugs.map((slug) => ({ slug, target_url: `https://example.com/${slug}` }));
    await sql`insert into public.short_links ${sql(links)}`;
    const startHost = (seconds: number) =>
      startEdgeHost({
        SUPABASE_URL: info.API_URL,
        SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
        RELAY_JWT_SECRET: info.JWT_SECRET,
        RELAY_REFUSAL_DELAY_MS: "0",
      }, { wallClock: seconds });
    const host = await startHost(wallClock);
    const proxy = await startCutProxy(host.address);
    const claims = { role: "authenticated", aud: "authenticated", sub: info.USERS[0].id };
    const token = await signToken(info.JWT_SECRET, claims, TOKEN_S);
    const client = (transport: unknown, heartbeatMs?: number) =>
      createClient(info.API_URL, info.PUBLISHABLE_KEY, {
        accessToken: () => Promise.resolve(token),
        realtime: { transport: transport as never, heartbeatIntervalMs: heartbeatMs },
      });
    const relay = `http://${proxy.address}/functions/v1/relay`;
    try {
      await work({ stack, host, proxy, sql, relay, token, startHost, client });
    } finally {
      await proxy.stop();
      await host.stop();
      await sql.end();
    }
  });
}

/** What supabase-js uses by itself; only the socket goes to the relay, its token in the query. */
export function plainTransport({ relay, token }: Stage): typeof WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL) {
      const url = new URL(`${relay.replace("http", "ws")}/websocket`);
      url.search = new URL(address).search;
      url.searchParams.delete("apikey");
      url.searchParams.set("jwt", token);
      super(url);
    }
  };
}
