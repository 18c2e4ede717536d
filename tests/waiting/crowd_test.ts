import assert from "node:assert/strict";
import { hosts } from "../hosts/support/conformance/hosts.ts";
import { record } from "../support/attack.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { relayEnv } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { Tab } from "./support/tab.ts";

/** Fewer tabs than there are in life, but as many for each socket that may wait. */
const [TABS, WAITING_MAX, LASTS_MS] = LONG ? [300, 200, 12_000] : [60, 40, 3_000];
const STRANGER_EVERY_MS = 1_000 / 30;
const USER_EVERY_MS = 300;

/** What Node and Deno of now do, all do. */
const SHORT = /^(?:Deno 2\.9|Node)/;

for (const { name, missing, start } of hosts) {
  const skipped = missing ||
    (LONG || SHORT.test(name) ? "" : " (skipped: RELAY_TEST_LONG=1 runs it)");
  Deno.test({
    name: `${name}: ${TABS} signed-out tabs and a stranger keep no signed-in user out${skipped}`,
    ignore: skipped !== "",
    async fn() {
      const upstream = startUpstream(record());
      const env = { RELAY_WAITING_MAX: String(WAITING_MAX), RELAY_REFUSAL_MAX: "4" };
      const relay = await start({ ...relayEnv(upstream.url), ...env });
      try {
        await inTime(crowd(relay.address), "all", 120_000);
      } finally {
        await relay.stop();
        await upstream.stop();
      }
    },
  });
}

async function crowd(address: string): Promise<void> {
  const path = "/functions/v1/relay/websocket";
  const url = `ws://${address}${path}?apikey=${PUBLISHABLE_KEY}&vsn=2.0.0`;
  const token = await sign();
  // Somebody on a slow network, behind whom more come than may wait, before the join is there.
  const crowded = Promise.withResolvers<void>();
  const slow = connect(url);
  await slow.opened;
  const visits = [crowded.promise.then(() => visit(slow, token))];
  const tabs = Array.from({ length: TABS }, () => new Tab(url, PUBLISHABLE_KEY));
  while (tabs.filter(({ opened }) => opened > 0).length <= WAITING_MAX) await pause(1);
  crowded.resolve();
  const strangers: Client[] = [];
  const stranger = setInterval(() => strangers.push(connect(url)), STRANGER_EVERY_MS);
  const healths: Record<string, number>[] = [];
  const end = performance.now() + LASTS_MS;
  while (performance.now() < end) {
    visits.push(visit(connect(url), token));
    healths.push(await healthOf(address));
    await pause(USER_EVERY_MS);
  }
  clearInterval(stranger);
  assert.deepEqual([...new Set(await Promise.all(visits))], ["ok"]);
  assert.ok(strangers.length > TABS / 2, `only ${strangers.length} came`);
  judge(healths, strangers.length);

  await Promise.all(tabs.map((tab) => tab.leave()));
  for (const { socket } of strangers) socket.close();
  await Promise.all(strangers.map(({ closed }) => closed));
  for (;;) {
    const { waiting, dialling, open, closing, refused } = await healthOf(address);
    if (waiting + dialling + open + closing + refused === 0) return;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Comes, joins, and leaves: what the join was told, or why the socket was closed. */
async function visit(client: Client, token: string): Promise<string> {
  try {
    await client.opened;
    client.send(
      JSON.stringify(["1", "1", "realtime:u", "phx_join", { config: {}, access_token: token }]),
    );
    const [, , , , { status }] = JSON.parse(String(await client.next()));
    client.socket.close();
    await client.closed;
    return status;
  } catch (error) {
    return String(error);
  }
}

async function healthOf(address: string): Promise<Record<string, number>> {
  return (await (await fetch(`http://${address}/relay/health`)).json()).sockets;
}

/** Those who wait stay within their bound and take nobody else's; some of them had to give way. */
function judge(healths: Record<string, number>[], came: number): void {
  const most = (name: string) => Math.max(...healths.map((health) => health[name]));
  // In a burst twice as many wait, and as many may not have answered their close yet.
  assert.ok(most("waiting") <= 3 * WAITING_MAX, `${most("waiting")} wait`);
  assert.ok(most("waiting") >= WAITING_MAX, `${most("waiting")} wait of ${came}`);
  assert.equal(most("refused"), 0);
}
