/** How a process on Node begins and ends. */
import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { nodeHost } from "../support/node_host.ts";
import { startRelay } from "../support/relay_host.ts";
import { relayEnv } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { testOnNode } from "./support/node.ts";

const DRAIN_MS = 2_500;
const PLAIN = 12;

testOnNode(
  "SIGTERM: notices, the port is free for the next, 1012 one after the other, code 0",
  { env: { RELAY_DRAIN_MS: String(DRAIN_MS) } },
  async ({ relay, upstream, urlWith }) => {
    const token = await sign();
    const mover = connect(urlWith(token), { protocols: ["realtime-relay.v1"] });
    await mover.opened;
    const plain = Array.from({ length: PLAIN }, () => connect(urlWith(token)));
    await Promise.all(plain.map(({ opened }) => opened));
    const ends = plain.map(async ({ closed }) => ({ ...await closed, at: performance.now() }));
    relay.signal("SIGTERM");
    const [, , topic, event, payload] = JSON.parse(String(await mover.next()));
    assert.deepEqual([topic, event, payload.status], ["phoenix", "system", "drain"]);

    const [, PORT] = relay.address.split(":");
    const next = await startRelay(nodeHost, { ...relayEnv(upstream.url), PORT });
    const moved = connect(urlWith(token), { protocols: ["realtime-relay.v1"] });
    await moved.opened;
    mover.socket.close(1000);

    const closes = await Promise.all(ends);
    for (const { code } of closes) assert.equal(code, 1012);
    const times = closes.map(({ at }) => at);
    const spread = Math.max(...times) - Math.min(...times);
    assert.ok(spread > DRAIN_MS / 3, `all were closed within ${spread} ms`);
    assert.equal(await relay.exited, 0);

    moved.socket.close(1000);
    await moved.closed;
    await next.stop();
  },
);

testOnNode(
  "SIGTERM ends a process without sockets at once",
  { env: { RELAY_DRAIN_MS: "600000" } },
  async ({ relay }) => {
    relay.signal("SIGTERM");
    assert.equal(await relay.exited, 0);
  },
);

testOnNode("a port that is taken is told, with code 1", {}, async ({ relay, upstream }) => {
  const [, PORT] = relay.address.split(":");
  const second = startRelay(nodeHost, { ...relayEnv(upstream.url), PORT });
  await assert.rejects(second, /EADDRINUSE/);
});
