import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../client/mod.ts";
import { signToken } from "../../tools/stack/keys.ts";
import { type ConformanceHost, hosts } from "./support/conformance/hosts.ts";
import { LONG } from "../support/long.ts";
import { type Origin, prepare, type Vsn } from "../support/realtime_suite/suite.ts";
import { broadcastScenarios } from "../support/realtime_suite/broadcast.ts";
import { changesScenarios } from "../support/realtime_suite/changes.ts";
import { presenceScenarios } from "../support/realtime_suite/presence.ts";
import { type TestStack, withStack } from "../support/stack.ts";

const ONE_HOUR = 3600;

const scenarios = { ...broadcastScenarios, ...presenceScenarios, ...changesScenarios };
const versions: Vsn[] = LONG ? ["2.0.0", "1.0.0"] : ["2.0.0"];

/** Rows that only a user of a name may read: nobody has none. */
const NEEDS_A_NAME = "a change goes to those who may read the row, a deletion to everybody";

/** Who the clients are: the users whose names the scenarios give, or viewers without a token. */
type Who = "users" | "viewers";

/** A relay on this host in front of the stack, for supabase-js as anybody uses it. */
async function open(
  host: ConformanceHost,
  { info, postgres: server }: TestStack,
  who: Who,
): Promise<Origin> {
  const relay = await host.start({
    SUPABASE_URL: info.API_URL,
    SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
    RELAY_JWT_SECRET: info.JWT_SECRET,
    RELAY_ANONYMOUS: "allow",
  });
  const address = `http://${relay.address}/functions/v1/relay`;
  const sql = postgres(server.adminUrl, { max: 2, onnotice: () => {} });
  const clients: SupabaseClient[] = [];
  return {
    sql,
    async client(sub, vsn) {
      const claims = { role: "authenticated", aud: "authenticated", sub };
      const token = who === "users" && await signToken(info.JWT_SECRET, claims, ONE_HOUR);
      const client = createClient(info.API_URL, info.PUBLISHABLE_KEY, {
        ...(token && { accessToken: () => Promise.resolve(token) }),
        // realtime-js derives the address of broadcasts from the project's, as it does the socket's.
        global: { fetch: (input, init) => fetch(toRelay(String(input), address), init) },
        realtime: {
          vsn,
          transport: relayTransport({ relay: address, token: () => token || null }) as never,
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
      await dropTables(sql);
      await sql.end();
      await relay.stop();
    },
  };
}

const toRelay = (address: string, relay: string) =>
  address.replace(/^.*\/realtime\/v1\/api\//, `${relay}/api/`);

/** The next host makes tables of the same names. */
async function dropTables(sql: postgres.Sql): Promise<void> {
  const tables = await sql`select tablename from pg_tables where tablename like 'suite%'`;
  for (const { tablename } of tables) await sql`drop table public.${sql(tablename)}`;
}

Deno.test("supabase-js, unchanged, through every host", async (t) => {
  await withStack(async (stack) => {
    const sql = postgres(stack.postgres.adminUrl, { max: 1 });
    await prepare(sql);
    await mayAllThatUsersMay(sql);
    await sql.end();
    for (const host of hosts) {
      for (const who of ["users", "viewers"] as const) {
        await t.step({
          name: `${host.name}, ${who}${host.missing}`,
          ignore: host.missing !== "" || (who === "viewers" && host !== hosts[0] && !LONG),
          fn: (step) => prove(host, stack, who, step),
        });
      }
    }
  });
});

/** Viewers too, so that the scenarios hold for them; their channels are shared. */
async function mayAllThatUsersMay(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    alter policy suite_read on realtime.messages to anon, authenticated;
    alter policy suite_write on realtime.messages to anon, authenticated;
    alter default privileges in schema public grant select on tables to anon;
  `).simple();
}

async function prove(
  host: ConformanceHost,
  stack: TestStack,
  who: Who,
  t: Deno.TestContext,
): Promise<void> {
  await using origin = await open(host, stack, who);
  for (const vsn of versions) {
    for (const [says, proof] of Object.entries(scenarios)) {
      if (who === "viewers" && says === NEEDS_A_NAME) continue;
      await t.step(`${says} (vsn ${vsn})`, () => proof(origin, vsn));
    }
  }
}
