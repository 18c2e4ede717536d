import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { relayTransport } from "../../client/mod.ts";
import { signToken } from "../../tools/stack/keys.ts";
import { MIGRATIONS_OF_BEFORE, withOldRelay } from "../client/end_to_end/support/old_relay.ts";
import { clientAt, OLD } from "../client/support/world/client_at.ts";
import { type ConformanceHost, hosts } from "./support/conformance/hosts.ts";
import { LONG, onlyLong } from "../support/long.ts";
import { hosts as denos, startRelay } from "../support/relay_host.ts";
import { type Origin, prepare, type Vsn } from "../support/realtime_suite/suite.ts";
import { broadcastScenarios } from "../support/realtime_suite/broadcast.ts";
import { changesScenarios } from "../support/realtime_suite/changes.ts";
import { presenceScenarios } from "../support/realtime_suite/presence.ts";
import { type TestStack, withStack } from "../support/stack.ts";

const ONE_HOUR = 3600;

const scenarios = { ...broadcastScenarios, ...presenceScenarios, ...changesScenarios };
/** Beside the newest Deno, where time is short. */
const SHORT = new Set(["Edge Runtime"]);
const versions: Vsn[] = LONG ? ["2.0.0", "1.0.0"] : ["2.0.0"];

/** Rows that only a user of a name may read: nobody has none. */
const NEEDS_A_NAME = "a change goes to those who may read the row, a deletion to everybody";

/** Who the clients are: the users whose names the scenarios give, or viewers without a token. */
type Who = "users" | "viewers";

/** Where the clients' sockets lead, and by which transport. */
interface Way {
  name: string;
  create?: typeof relayTransport;
  start(stack: TestStack): Promise<{ url: string; stop(): Promise<void> }>;
}

/** Through a relay on this host. */
const through = (
  { name, start }: Pick<ConformanceHost, "name" | "start">,
  create?: typeof relayTransport,
): Way => ({
  ...{ name, create },
  async start({ info }) {
    const relay = await start({
      SUPABASE_URL: info.API_URL,
      SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
      RELAY_JWT_SECRET: info.JWT_SECRET,
      RELAY_ANONYMOUS: "allow",
    });
    return { url: `http://${relay.address}/functions/v1/relay`, stop: () => relay.stop() };
  },
});

/** Supabase-js as anybody uses it, on that way to the stack. */
async function open(way: Way, stack: TestStack, who: Who): Promise<Origin> {
  const { info, postgres: server } = stack;
  const { create = relayTransport } = way;
  const { url: address, stop } = await way.start(stack);
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
          transport: create({ relay: address, token: () => token || null }) as never,
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
      await stop();
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
      const isFirst = host === hosts[0];
      for (const who of ["users", "viewers"] as const) {
        const isShort = isFirst || who === "users" && SHORT.has(host.name);
        const { name, ignore } = isShort ? { name: "", ignore: false } : onlyLong("");
        await t.step({
          name: `${host.name}, ${who}${host.missing}${name}`,
          ignore: host.missing !== "" || ignore,
          fn: (step) => prove(through(host), stack, who, step),
        });
      }
    }
  });
});

Deno.test({
  ...onlyLong("supabase-js, unchanged, through clients and relays of different ages"),
  async fn(t) {
    const older = await clientAt(OLD) as { relayTransport: typeof relayTransport };
    await withOldRelay((old) =>
      withStack(async (stack) => {
        const sql = postgres(stack.postgres.adminUrl, { max: 1 });
        await prepare(sql);
        await sql.end();
        const ways: Way[] = [
          through(
            { ...hosts[0], name: "the client of before, the relay of now" },
            older.relayTransport,
          ),
          through({
            name: "the client of now, the relay of before",
            start: (environment) => startRelay(denos[0], environment, old),
          }),
          {
            name: "the client of now, and Realtime itself",
            start: ({ info }) =>
              Promise.resolve({ url: `${info.API_URL}/realtime/v1`, stop: async () => {} }),
          },
        ];
        for (const way of ways) {
          await t.step(way.name, (step) => prove(way, stack, "users", step));
        }
        const owner = postgres(stack.postgres.adminUrl, { max: 1, onnotice: () => {} });
        await owner.unsafe(MIGRATIONS_OF_BEFORE);
        await owner.end();
        await t.step(
          "the client and the relay of now, the migrations of before",
          (step) => prove(through(hosts[0]), stack, "users", step),
        );
      })
    );
  },
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
  way: Way,
  stack: TestStack,
  who: Who,
  t: Deno.TestContext,
): Promise<void> {
  await using origin = await open(way, stack, who);
  for (const vsn of versions) {
    for (const [says, proof] of Object.entries(scenarios)) {
      if (who === "viewers" && says === NEEDS_A_NAME) continue;
      await t.step(`${says} (vsn ${vsn})`, () => proof(origin, vsn));
    }
  }
}
