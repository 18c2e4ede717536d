import assert from "node:assert/strict";
import { type Client, connect } from "../support/client.ts";
import { LONG } from "../support/long.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import { HEARTBEAT, PATH, type Stage, testOnEdge } from "./support/edge.ts";

/** In seconds, of the 400 that a worker has; at 300 it has been retired for 100. */
const AGES = LONG ? [5, 60, 300] : [300];
const RETIRED_AT_S = 200;

for (const age of AGES) {
  testOnEdge(
    `at a SIGTERM nobody is lost before Docker kills, ${age} s after the worker booted`,
    { bornBeforeMs: age * 1000 },
    async (stage) => {
      const { host } = stage;
      const clients = await everyKind(stage);
      if (age >= RETIRED_AT_S) host.workers[0].retire();
      const ended = host.terminate();
      const codes = await Promise.all(clients.map(async ({ closed }) => (await closed).code));
      assert.deepEqual([...new Set(codes)].sort(), [1000, 1012, 4401]);
      await ended;
      assert.equal(await host.workers[0].ended, "termination", "it was killed");
    },
  );
}

/** Ten who stay, ten who move when they are told to, one whom nobody has named, one who is refused. */
async function everyKind({ host, open }: Stage): Promise<Client[]> {
  const staying = Array.from({ length: 10 }, () => open());
  const moving = Array.from({ length: 10 }, () => open(undefined, "realtime-relay.v1"));
  const unnamed = connect(`ws://${host.address}${PATH}&apikey=${PUBLISHABLE_KEY}`);
  const refused = open("garbage");
  const all = [...staying, ...moving, unnamed, refused];
  await Promise.all(all.map(({ opened }) => opened));
  for (const { next, socket } of moving) {
    next().then(() => socket.close(1000), () => "It left before.");
  }
  return all;
}

testOnEdge(
  "a SIGTERM reaches a worker when what was under way is answered, and takes no new request",
  { env: { RELAY_DRAIN_MS: "500" } },
  async ({ host, script, open }) => {
    const first = open();
    await first.opened;
    const dialled = Promise.withResolvers<void>();
    const answers = Promise.withResolvers<void>();
    script.refuse = async (request) => {
      dialled.resolve();
      await answers.promise;
      return Deno.upgradeWebSocket(request).response;
    };
    const late = open();
    await dialled.promise;
    const ended = host.terminate();
    await assert.rejects(open().opened);
    first.send(HEARTBEAT);
    assert.equal(await first.next(), HEARTBEAT, "it drains though a request is under way");
    answers.resolve();
    for (const { closed } of [first, late]) assert.equal((await closed).code, 1012);
    await ended;
  },
);

testOnEdge("once the CPU is used up all sockets end at once", {}, async ({ host, open }) => {
  const clients = Array.from({ length: 20 }, () => open());
  await Promise.all(clients.map((client) => client.opened));
  const [worker] = host.workers;
  worker.exhaustCpu();
  for (const { closed } of clients) assert.equal((await closed).code, 1012);
  assert.equal(await worker.ended, "early_drop", "it was killed before the last was told");
});

testOnEdge(
  "beyond the soft limit on CPU sockets live on, and new ones go to another worker; before the hard one all are told",
  { cpu: { softMs: 400, hardMs: 900 } },
  async ({ host, open }) => {
    const clients = Array.from({ length: 4 }, () => open());
    await Promise.all(clients.map((client) => client.opened));
    const [worker] = host.workers;
    let isEnded = false;
    const work = async (client: Client) => {
      while (!isEnded) {
        client.send(HEARTBEAT);
        await client.next().catch(() => isEnded = true);
      }
    };
    const working = Promise.all(clients.map(work));
    await worker.retired;
    assert.equal(isEnded, false, "the soft limit told somebody");
    const next = open();
    await next.opened;
    assert.equal(host.workers.length, 2);
    for (const { closed } of clients) assert.equal((await closed).code, 1012);
    await working;
    assert.equal(await worker.ended, "early_drop");
    next.send(HEARTBEAT);
    assert.equal(await next.next(), HEARTBEAT);
  },
);

testOnEdge(
  "a burst boots several workers, each with sockets of its own, and every one tells its own",
  { parallelism: 2, env: { RELAY_DRAIN_MS: "500" } },
  async ({ host, open }) => {
    const clients = Array.from({ length: 12 }, () => open());
    await Promise.all(clients.map((client) => client.opened));
    assert.equal(host.workers.length, 2);
    for (const { relay } of host.workers) {
      const { sockets } = await (await fetch(`http://${relay.address}/relay/health`)).json();
      assert.ok(sockets.open > 0, "a worker got nobody");
    }
    const ended = host.terminate();
    for (const { closed } of clients) assert.equal((await closed).code, 1012);
    await ended;
  },
);

testOnEdge(
  "nothing that a worker waits for is left when its sockets have gone, of whatever kind",
  { wallClock: 6 },
  async (stage) => {
    const { host } = stage;
    const clients = await everyKind(stage);
    const named = connect(`ws://${host.address}${PATH}&apikey=${PUBLISHABLE_KEY}`);
    await named.opened;
    const token = { config: {}, access_token: await sign() };
    named.send(JSON.stringify(["1", "1", "realtime:a", "phx_join", token]));
    await named.next();
    for (const { socket } of [...clients, named]) socket.close();
    assert.equal(await host.workers[0].ended, "early_drop");
  },
);
