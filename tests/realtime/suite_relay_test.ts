import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../client/mod.ts";
import { signToken } from "../../tools/stack/keys.ts";
import { startStack } from "../../tools/stack/stack.ts";
import { realtimeSuite } from "../support/realtime_suite/suite.ts";
import { stackData } from "../support/stack.ts";

const ONE_HOUR = 3600;

realtimeSuite("through the relay", async () => {
  const dataDir = await stackData();
  const stack = await startStack({ dataDir, databaseSettings: { fsync: "off" } });
  const { API_URL, RELAY_URL, PUBLISHABLE_KEY, JWT_SECRET } = stack.info;
  const sql = postgres(stack.postgres.adminUrl, { max: 2, onnotice: () => {} });
  const clients: SupabaseClient[] = [];
  return {
    sql,
    async client(sub, vsn) {
      const claims = { role: "authenticated", aud: "authenticated", sub };
      const token = await signToken(JWT_SECRET, claims, ONE_HOUR);
      const client = createClient(API_URL, PUBLISHABLE_KEY, {
        accessToken: () => Promise.resolve(token),
        // realtime-js derives the address of broadcasts from the project's, as it does the socket's.
        global: { fetch: (input, init) => fetch(toRelay(String(input), RELAY_URL), init) },
        realtime: {
          vsn,
          transport: relayTransport({ relay: RELAY_URL, token: () => token }) as never,
        },
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => {
        for (const channel of client.getChannels()) channel.teardown();
        return client.realtime.disconnect();
      }));
      await sql.end();
      await stack.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
});

const toRelay = (address: string, relay: string) =>
  address.replace(/^.*\/realtime\/v1\/api\//, `${relay}/api/`);
