import assert from "node:assert/strict";
import type { EdgeWorker } from "../support/edge/worker.ts";
import { watchPauses } from "../support/pauses.ts";
import { sign } from "../support/tokens.ts";
import { HEARTBEAT, PATH, type Stage, testOnEdge } from "./support/edge.ts";

testOnEdge(
  "a worker lives on for its open sockets, and is dropped after the last",
  // Within two fifths of it a second worker boots, on a busy machine too.
  { wallClock: 12 },
  async ({ host, open }) => {
    const client = open();
    await client.opened;
    const [first] = host.workers;
    await first.retired;
    const next = open();
    await next.opened;
    assert.equal(host.workers.length, 2, "a retired worker got a request");
    client.send(HEARTBEAT);
    assert.equal(await client.next(), HEARTBEAT);
    client.socket.close();
    assert.equal(await first.ended, "early_drop");
    next.send(HEARTBEAT);
    assert.equal(await next.next(), HEARTBEAT);
  },
);

testOnEdge(
  "a worker that is retired while it connects somebody moves all its clients in good order",
  { wallClock: 10, env: { RELAY_DRAIN_MS: "300" } },
  async ({ host, script, open }) => {
    const clients = Array.from({ length: 8 }, () => open());
    await Promise.all(clients.map((client) => client.opened));
    const retired = host.workers[0].retired;
    script.refuse = async (request) => {
      await retired;
      return Deno.upgradeWebSocket(request).response;
    };
    const last = open();
    await last.opened;
    for (const { closed } of [...clients, last]) assert.equal((await closed).code, 1012);
    assert.equal(await host.workers[0].ended, "early_drop");
    assert.equal(host.workers.length, 1);
  },
);

testOnEdge("a retired worker without sockets is dropped", { wallClock: 1 }, async ({ host }) => {
  assert.equal(await host.workers[0].ended, "early_drop");
  const health = await fetch(`http://${host.address}/relay/health`);
  assert.equal((await health.json()).sockets.most, 500);
  assert.equal(host.workers.length, 2);
});

testOnEdge("a refused upgrade is told by its close code", {}, async ({ open }) => {
  const { code, reason } = await open("garbage").closed;
  assert.equal(code, 4401);
  assert.match(reason, /^token_malformed: /);
});

testOnEdge(
  "a refusal by plain HTTP would reach the client as a bare 502",
  { env: { RELAY_REFUSAL_MAX: "0" } },
  async ({ host }) => {
    const raw = await rawUpgrade(host.address, `${PATH}&jwt=garbage`);
    assert.equal(raw, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    const response = await fetch(`http://${host.address}${PATH}`);
    assert.deepEqual([response.status, (await response.json()).code], [401, "token_missing"]);
  },
);

testOnEdge(
  "an upgrade whose value differs by case, a 502 in any case, dials nothing and holds no worker",
  { wallClock: 4 },
  async ({ host, upstream }) => {
    const query = `&jwt=${await sign()}`;
    const raw = await rawUpgrade(host.address, `${PATH}${query}`, "WebSocket");
    assert.match(raw, /^HTTP\/1\.1 502 /);
    assert.equal(upstream.dials(), 0);
    assert.equal(await host.workers[0].ended, "early_drop");
  },
);

/** Asks for an upgrade and returns all that is answered. */
async function rawUpgrade(address: string, path: string, to = "websocket"): Promise<string> {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nUpgrade: ${to}\r\n` +
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Version: 13\r\n\r\n";
  await connection.write(new TextEncoder().encode(head));
  return await new Response(connection.readable).text();
}

/**
 * How often clients are followed from worker to worker until the ends of one are spread as they
 * should be: what is to be seen fits into 600 ms, in which a busy machine may stand still at any
 * place. No worker that had time to drain may lose a client.
 */
const GENERATIONS = 10;
const CLIENTS = 50;
/** A machine that pauses a worker for longer tells nothing about how the worker drains. */
const QUIET_MS = 40;

/** When a client's socket ended, in ms, and by which code. */
interface End {
  at: number;
  code: number;
}

/** Connects again whenever its socket closes; tells each end. */
function reconnect(open: Stage["open"], onEnd: (end: End) => void) {
  let running = true;
  let client = open();
  async function run() {
    while (running) {
      const { code } = await client.closed;
      onEnd({ at: performance.now(), code });
      if (running) client = open();
    }
  }
  const ended = run();
  return {
    opened: client.opened,
    stop() {
      running = false;
      client.socket.close();
      return ended;
    },
  };
}

/** The most ends within any sixth of `time`. */
function densest(ends: End[], time: number): number {
  const within = ({ at }: End) =>
    ends.filter((end) => end.at >= at && end.at < at + time / 6).length;
  return Math.max(...ends.map(within));
}

testOnEdge(
  `${CLIENTS} clients move to the next worker, spread over the time that is left, without a 1006`,
  { wallClock: 6 },
  async ({ host, open }) => {
    const generations = Array.from({ length: GENERATIONS + 1 }, () => new Generation());
    const clients = Array.from({ length: CLIENTS }, () => {
      let generation = 0;
      return reconnect(open, (end) => generations[generation++]?.add(end));
    });
    await Promise.all(clients.map((client) => client.opened));
    let verdict = "";
    try {
      for (let n = 0; n < GENERATIONS && verdict !== "spread"; n++) {
        verdict = await judge(await host.worker(n), generations[n]);
      }
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    assert.equal(verdict, "spread");
  },
);

/** How all clients of one worker ended. */
class Generation {
  readonly ends: End[] = [];
  readonly #whole = Promise.withResolvers<void>();
  readonly whole = this.#whole.promise;
  add(end: End): void {
    if (this.ends.push(end) === CLIENTS) this.#whole.resolve();
  }
}

/** Returns `spread`, or what was wrong; throws where a worker lost a client that it had time for. */
async function judge(worker: EdgeWorker, { ends, whole }: Generation): Promise<string> {
  const left = await worker.unloading;
  if (left === 0) return "the machine stalled while the clients connected";
  let pause = 0;
  const stop = watchPauses((ms) => pause = ms);
  await worker.ended;
  stop();
  // Who got no close frame is told by its own machine, and later.
  await whole;
  const longest = Math.max(pause, worker.longestPause);
  if (longest > QUIET_MS) return `the machine paused for ${longest} ms`;
  const lost = ends.filter(({ code }) => code !== 1012);
  assert.deepEqual(lost, [], "a client was not told that its worker ends");
  const most = densest(ends, left);
  if (most <= CLIENTS / 3) return "spread";
  return `${most} of ${CLIENTS} reconnects within a sixth of ${left} ms`;
}
