import assert from "node:assert/strict";
import postgres from "postgres";
import { connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { hosts, type RelayProcess, startRelay } from "../support/relay_host.ts";
import { relayEnv } from "../support/served_relay.ts";
import { type TestStack, withStack } from "../support/stack.ts";
import { sign } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { type CutProxy, startCutProxy } from "../client/support/exactly_once/cut_proxy.ts";
import {
  assertEnds,
  assertLives,
  join,
  open,
  relayOf,
  revocation,
  signIn,
  untilOn,
  untilRefused,
  untilSaid,
} from "./support/people.ts";
import { WAYS_OUT } from "./support/ways_out.ts";

/** How often each way out is gone; each time 14 sockets end in all. */
const TIMES = LONG ? 8 : 1;

Deno.test("out means out: the sockets of a session end on every relay, and no others", async (t) => {
  await withStack(async (stack) => {
    const relays = [await relayOf(stack), await relayOf(stack)];
    const sql = postgres(stack.info.DB_URL, { max: 1, onnotice: () => {} });
    try {
      const bystander = await signIn(stack, 1);
      const others = await Promise.all(
        relays.map(async (relay) => join(await open(relay, bystander.session))),
      );
      await inTime(Promise.all(relays.map(untilOn)), "both relays follow");
      const took: number[] = [];
      for (const what of Object.keys(WAYS_OUT)) {
        await t.step(`${what}, ${TIMES} times`, async () => {
          for (let i = 0; i < TIMES; i++) took.push(...await goOut(what, { stack, sql, relays }));
          // Nobody else notices any of it.
          for (const socket of others) await assertLives(socket);
        });
      }
      print(took);
      await t.step(
        "the old token is refused, on a new worker too; a new session is let in",
        () => onNewWorkers(stack, relays),
      );
      await t.step(
        "a worker that did not hear of it ends the sockets when it hears again",
        (t) => cutOff(stack, t),
      );
    } finally {
      await sql.end();
      await Promise.all(relays.map((relay) => relay.stop()));
    }
  });
});

interface Place {
  stack: TestStack;
  sql: postgres.Sql;
  relays: RelayProcess[];
}

/** Ends sessions in this way. Returns how long each of their sockets stayed after that, in ms. */
async function goOut(what: string, { stack, sql, relays }: Place): Promise<number[]> {
  const { ending, staying, end, undo } = await WAYS_OUT[what](stack, sql);
  const onAll = (session: typeof ending[0]) => relays.map((relay) => open(relay, session));
  const sockets = await Promise.all(ending.flatMap(onAll));
  const stay = await Promise.all(staying ? onAll(staying) : []);
  const begun = performance.now();
  const ends = sockets.map(async (socket) => {
    await assertEnds(socket, what);
    return performance.now() - begun;
  });
  await end();
  const took = await Promise.all(ends);
  await undo?.();
  for (const socket of stay) {
    await assertLives(socket);
    socket.socket.close();
    await socket.closed;
  }
  return took;
}

function print(took: number[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.ceil(part * sorted.length) - 1]);
  console.log(
    `${took.length} sockets on two relays ended, after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `at most ${at(1)} ms`,
  );
}

async function onNewWorkers(stack: TestStack, relays: RelayProcess[]): Promise<void> {
  const { client, session } = await signIn(stack);
  await client.auth.signOut({ scope: "local" });
  relays.forEach((relay) => relay.signal("SIGKILL"));
  await Promise.all(relays.map(({ exited }) => exited));
  relays.splice(0, 2, await relayOf(stack), await relayOf(stack));
  for (const relay of relays) {
    await assertEnds(await open(relay, session), "the old token");
    await assertLives(await open(relay, (await signIn(stack)).session));
  }
}

/** Behind a network that can be cut. */
async function cutOff(stack: TestStack, t: Deno.TestContext): Promise<void> {
  const { host } = new URL(stack.info.API_URL);
  const proxy = await startCutProxy(host);
  const relay = await relayOf(stack, `http://${proxy.address}`);
  try {
    await t.step("its own channel alone was cut", () => withoutControl(stack, proxy, relay, host));
    await t.step("Realtime was away", async () => {
      const { client, session } = await signIn(stack);
      const restarted = stack.restartRealtime();
      await client.auth.signOut({ scope: "local" });
      await restarted;
      await inTime(untilRefused(relay, session), "the token is refused");
    });
  } finally {
    await relay.stop();
    await proxy.stop();
  }
}

async function withoutControl(
  stack: TestStack,
  proxy: CutProxy,
  relay: RelayProcess,
  host: string,
): Promise<void> {
  await open(relay, (await signIn(stack, 1)).session);
  await inTime(untilOn(relay), "it follows");
  const { opened } = proxy;
  const { client, session } = await signIn(stack);
  const socket = await open(relay, session);
  await assertLives(socket);
  proxy.lead("127.0.0.1:1");
  proxy.cut("reset", opened);
  await inTime(untilSaid(relay, /^off: /), "it says that it does not follow");
  await client.auth.signOut({ scope: "local" });
  await assertLives(socket);
  proxy.lead(host);
  await assertEnds(socket, "the socket, once the channel is back");
  await inTime(untilOn(relay), "it follows again");
}

Deno.test("a project without the migrations, and one that says no, are named in /health, and keep nobody out", async () => {
  const answers: [string, () => Response][] = [
    [
      "off: the project has no function missed_messages: push the migrations",
      () => new Response(null, { status: 404 }),
    ],
    ["off: the project's REST answers 500", () => new Response(null, { status: 500 })],
  ];
  for (const [said, onRequest] of answers) {
    const upstream = startUpstream({ onRequest });
    const relay = await startRelay(hosts[0], { ...relayEnv(upstream.url), RELAY_REVOKE: "auto" });
    try {
      const token = await sign({ session_id: crypto.randomUUID() });
      const client = connect(`ws://${relay.address}/relay?jwt=${token}&vsn=2.0.0`);
      await client.opened;
      assert.equal(await revocation(relay), said);
      client.socket.close();
      await client.closed;
    } finally {
      await relay.stop();
      await upstream.stop();
    }
  }
});
