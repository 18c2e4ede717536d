import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { startGateway, type Targets } from "../../tools/stack/gateway/gateway.ts";
import { KEYS } from "./support/gateway.ts";
import { Wire } from "../support/wire.ts";

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const END = "\r\n\r\n";

const ask = (path: string, fields = "") =>
  `GET ${path} HTTP/1.1\r\nHost: outer.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `${fields}\r\n`;

/** A gateway, and a plain TCP server in place of Realtime and the relay. */
async function withServer(
  work: (url: string, accept: () => Promise<Wire>, targets: Targets) => Promise<void>,
) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const behind = `http://127.0.0.1:${listener.addr.port}`;
  const targets: Targets = { realtime: behind, relay: behind };
  const gateway = await startGateway({ port: 0, keys: KEYS, targets });
  const accepted: Wire[] = [];
  const accept = async () => {
    const wire = new Wire(await listener.accept());
    accepted.push(wire);
    return wire;
  };
  try {
    await work(gateway.url, accept, targets);
  } finally {
    await gateway.stop();
    for (const wire of accepted) wire.close();
    listener.close();
  }
}

/** The same with a client and a server that are connected already. */
function withPair(work: (client: Wire, server: Wire) => Promise<void>) {
  return withServer(async (url, accept) => {
    const client = await Wire.to(url);
    try {
      await client.send(ask("/functions/v1/relay"));
      const server = await accept();
      await server.until(END);
      await server.send(SWITCH);
      assert.equal(await client.until(END), SWITCH);
      await work(client, server);
    } finally {
      client.close();
    }
  });
}

Deno.test("an upgrade to WebSockets among others is one", () =>
  withServer(async (url, accept) => {
    const client = await Wire.to(url);
    await client.send(ask("/realtime/v1/websocket").replace(": websocket", ": h2c, WebSocket"));
    assert.match(await (await accept()).until(END), /Upgrade: h2c, WebSocket\r\n/);
    client.close();
  }));

Deno.test("an upgrade's head goes on with its fields as they were spelled", () =>
  withServer(async (url, accept) => {
    const client = await Wire.to(url);
    const fields = "sec-websocket-protocol: a,b\r\nX-Odd:  two\r\nX-Odd: three\r\n";
    await client.send(ask("/functions/v1/relay/websocket?a=%20'b", fields));
    const head = await (await accept()).until(END);
    assert.match(head, /^GET \/relay\/websocket\?a=%20'b HTTP\/1\.1\r\n/);
    for (const line of fields.replace(":  two", ": two").trim().split("\r\n")) {
      assert.ok(head.includes(`\r\n${line}\r\n`), line);
    }
    assert.match(head, /\r\nHost: outer\.example\r\n/);
    assert.match(head, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    assert.match(head, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
    client.close();
  }));

Deno.test("Realtime gets its tenant's Host and the JWT that the key in the query stands for", () =>
  withServer(async (url, accept) => {
    for (
      const [key, token] of [
        [KEYS.publishableKey, KEYS.anonKey],
        [KEYS.secretKey, KEYS.serviceRoleKey],
        ["eyJ.a.user", "eyJ.a.user"],
      ]
    ) {
      const client = await Wire.to(url);
      await client.send(ask(`/realtime/v1/websocket?log=%7Ex&apikey=${key}&vsn=2.0.0`));
      const head = await (await accept()).until(END);
      const line = `GET /socket/websocket?log=%7Ex&apikey=${token}&vsn=2.0.0 HTTP/1.1\r\n`;
      assert.ok(head.startsWith(line), head);
      assert.match(head, /\r\nhost: realtime-dev\.localhost\r\n/i);
      assert.ok(!head.includes("outer.example\r\nConnection"));
      client.close();
    }
  }));

Deno.test("bytes go both ways as they are, those right behind the head included", () =>
  withServer(async (url, accept) => {
    const [up, down] = [randomBytes(1 << 20), randomBytes(1 << 20)];
    const client = await Wire.to(url);
    await client.send(ask("/functions/v1/relay") + "early");
    const server = await accept();
    await server.until(END);
    assert.equal((await server.take(5)).toString(), "early");
    // The answer's head and the first frame in one piece, as a fast server sends them.
    await server.send(SWITCH + "late");
    assert.equal(await client.until(END), SWITCH);
    assert.equal((await client.take(4)).toString(), "late");
    const [arrivedUp, arrivedDown] = await Promise.all([
      server.take(up.length),
      client.take(down.length),
      client.send(up),
      server.send(down),
    ]);
    assert.ok(arrivedUp.equals(up));
    assert.ok(arrivedDown.equals(down));
    client.close();
  }));

Deno.test("who does not read holds up who writes", () =>
  withPair(async (client, server) => {
    const piece = new Uint8Array(1 << 20);
    const total = 128;
    let written = 0;
    const writing = (async () => {
      for (; written < total; written++) await server.send(piece);
    })();
    // It has stopped when two looks find the same, and what is on its way is what buffers hold.
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((wake) => setTimeout(wake, 300));
    }
    assert.ok(written < total / 2, `${written} MB went to a client that reads nothing`);
    for (let read = 0; read < total; read++) {
      assert.equal((await client.take(1 << 20)).length, 1 << 20);
    }
    await writing;
  }));

Deno.test("an end of one direction ends that direction, and the other goes on", async () => {
  for (const first of ["client", "server"]) {
    await withPair(async (client, server) => {
      const [one, other] = first === "client" ? [client, server] : [server, client];
      await one.send("last words");
      await (one.connection as Deno.TcpConn).closeWrite();
      assert.equal((await other.take(11)).toString(), "last words");
      await other.send("answer");
      other.close();
      assert.equal((await one.take(7)).toString(), "answer");
    });
  }
});

Deno.test("an abort of one end ends the other", async () => {
  for (const first of ["client", "server"]) {
    await withPair(async (client, server) => {
      const [one, other] = first === "client" ? [client, server] : [server, client];
      // Closing with unread bytes makes the kernel send a reset.
      await other.send("unread");
      one.close();
      assert.ok(await other.ended());
    });
  }
});

Deno.test("a refused upgrade is told unchanged, and the connection serves nothing after it", () =>
  withServer(async (url, accept) => {
    const refusal = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
    const client = await Wire.to(url);
    await client.send(ask("/functions/v1/relay"));
    const server = await accept();
    await server.until(END);
    await server.send(refusal);
    assert.equal((await client.take(refusal.length)).toString(), refusal);
    await client.send("GET /socket/websocket?behind=the-gateway HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.ok(await client.ended());
    assert.ok(await server.ended(), "the second request reached the server");
    client.close();
  }));

Deno.test("an upgrade that nobody serves is answered with words, and nothing crashes", () =>
  withServer(async (url, accept, targets) => {
    const status = async (path: string, serve?: () => Promise<void>) => {
      const client = await Wire.to(url);
      await client.send(ask(path));
      await serve?.();
      const answer = await client.until('"}');
      client.close();
      return answer.match(/^HTTP\/1\.1 (\d+) .*"code":"(\w+)"/s)?.slice(1);
    };
    const hangUp = async () => (await accept()).close();
    assert.deepEqual(await status("/functions/v1/relay", hangUp), ["502", "BAD_GATEWAY"]);
    targets.relay = undefined;
    assert.deepEqual(await status("/functions/v1/relay"), ["503", "SERVICE_UNAVAILABLE"]);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    targets.relay = `http://127.0.0.1:${closed.addr.port}`;
    closed.close();
    assert.deepEqual(await status("/functions/v1/relay"), ["502", "BAD_GATEWAY"]);
    assert.deepEqual(await status("/functions/v1/other"), ["404", "NOT_FOUND"]);
    assert.deepEqual(await status("/realtime/v1/other"), ["404", "NOT_FOUND"]);
    assert.equal((await fetch(url)).status, 200);
  }));

Deno.test("stop() ends the sockets that are open", () =>
  withServer(async (_url, accept, targets) => {
    const gateway = await startGateway({ port: 0, keys: KEYS, targets });
    const client = await Wire.to(gateway.url);
    await client.send(ask("/functions/v1/relay"));
    const server = await accept();
    await server.until(END);
    await server.send(SWITCH);
    await client.until(END);
    await gateway.stop();
    assert.ok(await client.ended());
    assert.ok(await server.ended());
    client.close();
  }));
