import assert from "node:assert/strict";
import { readsAnyList } from "../../supabase/functions/relay/deno/version.ts";
import { boundsWithin, waitingWithin } from "../../supabase/functions/relay/deno/descriptors.ts";
import { attack, record } from "../support/attack.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { nodeHost } from "../support/node_host.ts";
import { hosts, testOnHosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

const LIMIT = 128;

const health = async (address: string) =>
  await (await fetch(`http://${address}/relay/health`)).json();

/** Idle connections, as many as can be had, until they are closed. */
async function crowd(address: string, count: number): Promise<Disposable> {
  const [hostname, port] = address.split(":");
  const held: Deno.Conn[] = [];
  for (let n = 0; n < count; n++) {
    try {
      held.push(await Deno.connect({ hostname, port: Number(port) }));
    } catch {
      // Beyond what the relay may open nobody accepts.
    }
  }
  return { [Symbol.dispose]: () => held.forEach((connection) => connection.close()) };
}

/** Opens a socket once the relay takes connections again: those that were there tell nothing of it. */
function openInTime(url: string): Promise<Client> {
  const attempt = async (): Promise<Client> => {
    while (true) {
      const client = connect(url);
      if (await client.opened.then(() => true, () => false)) return client;
      await new Promise((wake) => setTimeout(wake, 50));
    }
  };
  return inTime(attempt(), "the relay takes connections again");
}

testOnHosts(
  "idle connections beyond the limit end neither the relay nor its sockets",
  async (host) => {
    const token = await sign();
    await withRelay(host, { ...record(), openFiles: LIMIT }, async ({ relay, urlWith }) => {
      const early = connect(urlWith(token));
      await early.opened;
      for (let round = 0; round < 2; round++) {
        {
          using _ = await crowd(relay.address, 2 * LIMIT);
          assert.deepEqual(await attack(early, "2.0.0", []), { refused: [] }, "while it is full");
        }
        const late = await openInTime(urlWith(token));
        assert.deepEqual(await attack(late, "2.0.0", []), { refused: [] });
        late.socket.close();
        await late.closed;
      }
      assert.deepEqual(await attack(early, "2.0.0", []), { refused: [] });
      early.socket.close();
      await early.closed;
    });
  },
  [...hosts, nodeHost],
);

for (const permissions of [["--allow-net", "--allow-env"], ["--allow-all"]]) {
  const isLast = permissions[0] === "--allow-all";
  const on = isLast ? [...hosts, nodeHost] : hosts; // Node asks for none.
  testOnHosts(`the bound on sockets follows the limit, with ${permissions}`, async (host) => {
    const token = await sign();
    const options = { ...record(), openFiles: LIMIT, permissions };
    await withRelay(host, options, async ({ relay, urlWith }) => {
      const start = await relay.line(({ event }) => event === "listening");
      const { descriptors, maxSockets } = start as Record<string, number>;
      assert.ok(descriptors > LIMIT / 2 && descriptors <= LIMIT, `${descriptors}`);
      assert.ok(maxSockets >= 8 && 2 * maxSockets < descriptors, `${maxSockets}`);
      assert.equal((await health(relay.address)).sockets.most, maxSockets);
      const clients: Client[] = [];
      for (let n = 0; n < maxSockets; n++) {
        const client = connect(urlWith(token));
        await client.opened;
        clients.push(client);
      }
      const { reason } = await connect(urlWith(token)).closed;
      assert.match(reason, /^too_many_sockets: /);
      for (const { socket, closed } of clients) {
        socket.close();
        await closed;
      }
    });
  }, on);
}

testOnHosts("a number of sockets that is known not to fit is not believed", async (host) => {
  const start = async (RELAY_MAX_SOCKETS: string, permissions?: string[]) => {
    let most = 0;
    const options = { openFiles: LIMIT, permissions, env: { RELAY_MAX_SOCKETS } };
    await withRelay(host, options, async ({ relay }) => {
      most = (await health(relay.address)).sockets.most;
      const { maxSockets } = await relay.line(({ event }) => event === "listening");
      assert.equal(maxSockets, most);
    });
    return most;
  };
  assert.ok(await start("100000", ["--allow-all"]) < LIMIT);
  assert.equal(await start("7", ["--allow-all"]), 7);
  assert.equal(await start("100000"), 100_000, "without the permission to read it");
});

Deno.test("what is free is shared out between sockets, refusals, who waits and the rest", () => {
  const all = { sockets: Infinity, refusals: Infinity, waiting: Infinity };
  assert.deepEqual(boundsWithin(Infinity), all);
  assert.equal(waitingWithin(all, undefined, 400), 100);
  for (const free of [10, 100, 230, 1_000, 4_000, 20_000, 1_000_000]) {
    const bounds = boundsWithin(free);
    const { sockets, refusals, waiting } = bounds;
    assert.ok(sockets >= 1 && refusals >= 1 && waiting >= 1);
    // Twice as many wait in a burst, and as many have not answered their close.
    const taken = 2 * sockets + refusals + 3 * waiting;
    assert.ok(taken <= Math.max(10, 0.9 * free), `${free}`);
    assert.ok(taken >= 0.5 * free, `${free}`);
    assert.equal(
      waitingWithin(bounds, undefined, sockets),
      Math.min(waiting, Math.ceil(sockets / 4)),
    );
    assert.equal(waitingWithin(bounds, 1, sockets), 1);
    assert.equal(waitingWithin(bounds, 1_000_000, sockets), Math.min(waiting, 1_000_000));
  }
});

Deno.test("a version of Deno is compared number by number", () => {
  const any = ["2.9.0", "2.9.6", "2.10.0", "2.11.3", "2.100.0", "3.0.0", "3.1.4", "10.0.0"];
  const strict = [
    ...["2.1.4", "2.0.0", "2.8.9", "1.46.3", "1.10.0", "0.9.9", ""],
    "supabase-edge-runtime-1.74.0 (compatible with Deno v2.1.4)",
  ];
  for (const version of any) assert.equal(readsAnyList(version), true, version);
  for (const version of strict) assert.equal(readsAnyList(version), false, version);
});
