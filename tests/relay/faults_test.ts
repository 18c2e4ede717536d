import assert from "node:assert/strict";
import { connect } from "../support/client.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { type ServedRelay, withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";

/** The relay must still serve after whatever happened. */
async function assertAlive({ relay }: ServedRelay): Promise<void> {
  const health = await fetch(`http://${relay.address}/relay/health`);
  assert.equal((await health.json()).status, "ok");
}

testOnNewest("a client learns that upstream refused", async (host) => {
  const refuse = () => Response.json({ error: "Tenant not found" }, { status: 404 });
  await withRelay(host, { refuse }, async (served) => {
    const client = connect(served.urlWith(await sign()));
    const { code, reason } = await client.closed;
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_refused: Check the relay's SUPABASE_URL/);
    await assertAlive(served);
  });
});

testOnNewest("a client learns that upstream is not there", async (host) => {
  const env = { SUPABASE_URL: "http://127.0.0.1:1" };
  await withRelay(host, { env }, async (served) => {
    const { code, reason } = await connect(served.urlWith(await sign())).closed;
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_refused: /);
    await assertAlive(served);
  });
});

testOnNewest("a client learns that upstream never answers", async (host) => {
  const asked = Promise.withResolvers<Response>();
  const env = { RELAY_DIAL_TIMEOUT_MS: "200" };
  await withRelay(host, { env, refuse: () => asked.promise }, async (served) => {
    const { code, reason } = await connect(served.urlWith(await sign())).closed;
    assert.equal(code, 4502);
    assert.match(reason, /^upstream_timeout: Realtime did not answer/);
    asked.resolve(new Response(null, { status: 503 }));
    await assertAlive(served);
  });
});

/** What upstream does, and what the client is told. */
const endings: [string, (socket: WebSocket) => void, number, RegExp][] = [
  ["without a code", (socket) => socket.close(), 4502, /^upstream_lost: .*reconnect/],
  ["with 1000", (socket) => socket.close(1000), 1000, /reconnect/],
  ["with 1012", (socket) => socket.close(1012, "restart"), 1012, /^restart$/],
  ["with 1013", (socket) => socket.close(1013), 1013, /reconnect/],
  ["with 4999", (socket) => socket.close(4999, "x".repeat(123)), 4999, /^x{123}$/],
];

for (const [name, end, code, reason] of endings) {
  testOnNewest(`upstream closes ${name} and the client gets ${code}`, async (host) => {
    const onSocket = (socket: WebSocket) => {
      socket.onmessage = () => end(socket);
    };
    await withRelay(host, { onSocket }, async (served) => {
      const client = connect(served.urlWith(await sign()));
      await client.opened;
      client.send('[null,"1","phoenix","heartbeat",{}]');
      const closed = await client.closed;
      assert.equal(closed.code, code);
      assert.match(closed.reason, reason);
      await assertAlive(served);
    });
  });
}

testOnNewest("upstream closes at once and the client is still told", async (host) => {
  const onSocket = (socket: WebSocket) => {
    socket.onopen = () => socket.close();
  };
  await withRelay(host, { onSocket }, async (served) => {
    assert.equal((await connect(served.urlWith(await sign())).closed).code, 4502);
    await assertAlive(served);
  });
});

testOnNewest("upstream dies without a close frame and the client gets 4502", async (host) => {
  await withRelay(host, {}, async (served) => {
    const port = await serveAndDie();
    const env = { SUPABASE_URL: `http://127.0.0.1:${port.port}` };
    await withRelay(host, { env }, async (other) => {
      const client = connect(other.urlWith(await sign()));
      await client.opened;
      client.send('[null,"1","phoenix","heartbeat",{}]');
      const { code, reason } = await client.closed;
      assert.equal(code, 4502);
      assert.match(reason, /^upstream_lost/);
      await assertAlive(other);
    });
    await port.stop();
    await assertAlive(served);
  });
});

/** A TCP server that completes one handshake and drops the connection at the first frame. */
function serveAndDie() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const run = (async () => {
    for await (const connection of listener) await dieAtFirstFrame(connection);
  })();
  return {
    port: listener.addr.port,
    async stop() {
      listener.close();
      await run;
    },
  };
}

async function dieAtFirstFrame(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(8192);
  const head = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
  const key = /sec-websocket-key: (.+)\r/i.exec(head)![1];
  const accept = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
  );
  const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${
      btoa(String.fromCharCode(...new Uint8Array(accept)))
    }\r\n\r\n`;
  await connection.write(new TextEncoder().encode(answer));
  await connection.read(buffer);
  connection.close();
}

/** What the client sends to close, and what upstream sees. A browser may send these only. */
const leavings: [number | undefined, number][] = [[undefined, 1000], [1000, 1000], [4999, 4999]];

testOnNewest("a client closes and upstream gets a code that may be sent", async (host) => {
  let seen = Promise.withResolvers<number>();
  const onSocket = (socket: WebSocket) => {
    socket.onclose = ({ code }) => seen.resolve(code);
  };
  await withRelay(host, { onSocket }, async (served) => {
    for (const [sent, expected] of leavings) {
      seen = Promise.withResolvers();
      const client = connect(served.urlWith(await sign()));
      await client.opened;
      client.socket.close(sent);
      assert.equal(await seen.promise, expected);
      await client.closed;
    }
    await assertAlive(served);
  });
});

testOnNewest("a token's expiry ends its socket with 4401", async (host) => {
  await withRelay(host, {}, async (served) => {
    const soon = Math.ceil(Date.now() / 1000) + 1;
    const client = connect(served.urlWith(await sign({ exp: soon })));
    await client.opened;
    const { code, reason } = await client.closed;
    assert.equal(code, 4401);
    assert.match(reason, /^token_expired: /);
    assert.ok(Date.now() >= soon * 1000, "closed before its time");
  });
});

testOnNewest("a client that does not read is cut off with 4413", async (host) => {
  const frame = new Uint8Array(1 << 16);
  const onSocket = (socket: WebSocket) => {
    socket.onopen = function send() {
      if (socket.readyState !== 1) return;
      for (let i = 0; i < 16 && socket.bufferedAmount < 1 << 20; i++) socket.send(frame);
      setTimeout(send, 1);
    };
  };
  const env = { RELAY_MAX_UNSENT_BYTES: String(1 << 20) };
  await withRelay(host, { env, onSocket }, async (served) => {
    const connection = await openAndNeverRead(served.urlWith(await sign()));
    const line = await served.relay.line(({ event }) => event === "close");
    assert.deepEqual([line.by, line.code, line.error], ["relay", 4413, "unread"]);
    connection.close();
    await assertAlive(served);
  });
});

async function openAndNeverRead(url: string): Promise<Deno.Conn> {
  const { hostname, port, pathname, search } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\n` +
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Version: 13\r\n\r\n";
  await connection.write(new TextEncoder().encode(head));
  return connection;
}
