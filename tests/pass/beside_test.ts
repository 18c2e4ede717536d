import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { LONG } from "../support/long.ts";
import { nodeHost, nodeMissing } from "../support/node_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const COUNT = LONG ? 1_000 : 100;
const AT_A_TIME = 50;
const HEARTBEAT = '[null,"1","phoenix","heartbeat",{}]';

Deno.test({
  name: `${COUNT} requests go through beside ${COUNT} sockets, and nobody waits for others` +
    nodeMissing,
  ignore: nodeMissing !== "",
  fn: () =>
    withRelay(nodeHost, {
      env: { RELAY_PASS: "rest", RELAY_MAX_SOCKETS_PER_USER: "1000", RELAY_REVOKE: "off" },
      onSocket: (socket) => {
        socket.onmessage = ({ data }) => socket.send(data);
      },
      onRequest: ({ url }) => Response.json({ url: new URL(url).search }),
    }, async ({ relay, urlWith }) => {
      const token = await sign();
      const clients = await openAll(urlWith(token));
      const talking = Promise.all(clients.map(talk));
      let next = 0;
      const ask = async () => {
        while (next < COUNT) {
          const search = `?id=eq.${next++}`;
          const answer = await fetch(`http://${relay.address}/rest/v1/t${search}`);
          assert.deepEqual([answer.status, await answer.json()], [200, { url: search }]);
        }
      };
      const asking = Promise.all(Array.from({ length: AT_A_TIME }, ask));
      await inTime(Promise.all([asking, talking]), "all are served", 100_000);
      for (const { socket } of clients) socket.close();
      await Promise.all(clients.map(({ closed }) => closed));
    }),
});

async function openAll(url: string): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < COUNT) {
    const some = Array.from({ length: AT_A_TIME }, () => connect(url));
    await Promise.all(some.map(({ opened }) => opened));
    clients.push(...some);
  }
  return clients;
}

/** Says something five times, and hears it each time. */
async function talk({ send, next }: Client): Promise<void> {
  for (let n = 0; n < 5; n++) {
    send(HEARTBEAT);
    assert.equal(await next(), HEARTBEAT);
  }
}
