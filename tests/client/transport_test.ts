import assert from "node:assert/strict";
import { type RelayStatus, relayTransport, type RelayTransportOptions } from "../../client/mod.ts";

const ADDRESS = "wss://abc.supabase.co/realtime/v1/websocket?apikey=sb_publishable_x&vsn=2.0.0&x=1";

/** A server that records what a transport asks for and echoes what it is sent but heartbeats. */
async function withServer(
  test: (relay: string, requests: Request[]) => Promise<void>,
): Promise<void> {
  const requests: Request[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    requests.push(new Request(request.url, { headers: request.headers }));
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "realtime-relay.v1" });
    socket.onmessage = ({ data }) => {
      if (data === "end") socket.close(4401, "over");
      else if (!String(data).includes("heartbeat")) socket.send(data);
    };
    return response;
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/functions/v1/relay`, requests);
  } finally {
    await server.shutdown();
  }
}

function open(options: RelayTransportOptions) {
  const socket = new (relayTransport(options))(ADDRESS);
  const event = (name: string) =>
    new Promise<MessageEvent & CloseEvent>((resolve) =>
      socket.addEventListener(name, resolve as (event: Event) => void)
    );
  return { socket, event };
}

const tokens: [string, RelayTransportOptions["token"]][] = [
  ["at once", () => "a.b.c"],
  ["later", () => Promise.resolve("a.b.c")],
];

for (const [when, token] of tokens) {
  Deno.test(`a token that comes ${when} travels as subprotocol, in no URL`, async () => {
    await withServer(async (relay) => {
      const { socket, event } = open({ relay, token });
      assert.equal(socket.readyState, socket.CONNECTING);
      await event("open");
      assert.equal(socket.readyState, socket.OPEN);
      assert.equal(socket.protocol, "realtime-relay.v1");
      assert.doesNotMatch(socket.url, /a\.b\.c|apikey/);
      socket.close();
      await event("close");
    });
  });
}

Deno.test("the socket goes to the relay with its wire format and, with a token, no key", async () => {
  await withServer(async (relay, requests) => {
    const { socket, event } = open({ relay: `${relay}/?region=eu`, token: () => "a.b.c" });
    await event("open");
    const { pathname, search } = new URL(requests[0].url);
    assert.equal(pathname + search, "/functions/v1/relay/websocket?region=eu&vsn=2.0.0");
    const offered = requests[0].headers.get("sec-websocket-protocol");
    assert.equal(offered, "realtime-relay.v2, realtime-relay.v1, jwt-a.b.c");
    socket.close();
    await event("close");
  });
});

for (const token of [undefined, () => null, () => Promise.resolve(undefined)]) {
  Deno.test(`without a token the publishable key names an anonymous viewer: ${token}`, async () => {
    await withServer(async (relay, requests) => {
      const { socket, event } = open({ relay, token });
      await event("open");
      assert.equal(new URL(requests[0].url).searchParams.get("apikey"), "sb_publishable_x");
      const offered = requests[0].headers.get("sec-websocket-protocol");
      assert.equal(offered, "realtime-relay.v2, realtime-relay.v1");
      socket.close();
      await event("close");
    });
  });
}

Deno.test("messages go both ways, and the relay's close code and reason are told", async () => {
  await withServer(async (relay) => {
    const refused = Promise.withResolvers<RelayStatus>();
    const onstatus = (status: RelayStatus) => status.state === "refused" && refused.resolve(status);
    const { socket, event } = open({ relay, token: () => "a.b.c", onstatus });
    socket.binaryType = "arraybuffer";
    await event("open");
    let echoed = event("message");
    socket.send("text");
    assert.equal((await echoed).data, "text");
    echoed = event("message");
    socket.send(new Uint8Array([1, 2]));
    assert.deepEqual(new Uint8Array((await echoed).data), new Uint8Array([1, 2]));
    socket.send("end");
    const { code, reason } = await refused.promise;
    assert.deepEqual([code, reason, socket.readyState], [4401, "over", socket.OPEN]);
    socket.close();
    assert.equal((await event("close")).code, 1000);
    assert.equal(socket.readyState, socket.CLOSED);
  });
});

Deno.test("a token() that throws is asked again, and nobody is told what it threw", async () => {
  await withServer(async (relay) => {
    const statuses: RelayStatus[] = [];
    let asked = 0;
    const token = () => asked++ ? "a.b.c" : Promise.reject(new Error("secret"));
    const host = { random: () => 0 };
    const { socket, event } = open({ relay, token, host, onstatus: (s) => statuses.push(s) });
    await event("open");
    const { state, reason } = statuses[1];
    assert.deepEqual([state, reason], ["reconnecting", "token() failed: Error"]);
    assert.doesNotMatch(JSON.stringify(statuses), /secret/);
    socket.close();
    await event("close");
  });
});

Deno.test("a socket that is closed while its token is awaited never connects", async () => {
  await withServer(async (relay, requests) => {
    const token = Promise.withResolvers<string>();
    const { socket, event } = open({ relay, token: () => token.promise });
    assert.throws(() => socket.send("x"), { name: "InvalidStateError" });
    socket.close();
    await event("close");
    token.resolve("a.b.c");
    await token.promise;
    assert.equal(requests.length, 0);
  });
});

Deno.test("a relay that is no URL of a socket is refused at once", () => {
  assert.throws(
    () => relayTransport({ relay: "ftp://a.test/relay" }),
    /must be http\(s\) or ws\(s\)/,
  );
});
