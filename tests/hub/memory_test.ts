import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { joinText } from "../support/hub/churn.ts";
import { FakeRealtime } from "../support/hub/fake_realtime.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { canMeasureMemory, memoryOf, peakMemory } from "../support/memory.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";
const VIEWERS = LONG ? 40 : 16;
const BROADCASTS = 4;
const SIZE = 2_900_000;

/** What is under way to all of them is 16 MiB; the rest is the messages, and garbage. */
const MOST_MIB = 96;

testOnNewest(
  `${VIEWERS} viewers who read get four large broadcasts, and memory is of the messages`,
  async (host) => {
    const realtime = new FakeRealtime();
    const env = { RELAY_ANONYMOUS: "allow" };
    await withRelay(host, { onSocket: realtime.onSocket, env }, async ({ relay }) => {
      const url = `ws://${relay.address}/relay/websocket?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
      const clients = Array.from({ length: VIEWERS }, () => connect(url));
      await Promise.all(clients.map(async (client) => {
        await client.opened;
        client.send(joinText(1, TOPIC));
        for (let n = 0; n < 2; n++) await client.next();
      }));
      const padding = "x".repeat(SIZE);
      const work = async () => {
        for (let n = 1; n <= BROADCASTS; n++) {
          realtime.emit(TOPIC, "broadcast", { event: "x", payload: { n, padding } });
        }
        await Promise.all(clients.map(async (client) => {
          for (let n = 1; n <= BROADCASTS; n++) {
            const text = String(await inTime(client.next(), `broadcast ${n}`));
            assert.ok(text.includes(`"n":${n},`) && text.length > SIZE);
          }
        }));
      };
      if (!canMeasureMemory) await work();
      else {
        const before = memoryOf(relay.pid);
        const growth = await peakMemory(relay.pid, work) - before;
        console.log(`  memory grew by ${Math.round(growth)} MiB from ${Math.round(before)} MiB`);
        assert.ok(growth < MOST_MIB, `memory grew by ${growth} MiB`);
      }
      for (const { socket } of clients) socket.close();
      await Promise.all(clients.map(({ closed }) => closed));
    });
  },
);
