/** Sessions that end while the way to Realtime is opened for their user, or a broadcast comes. */
import assert from "node:assert/strict";
import { sha256 } from "../../supabase/functions/relay/door/verify/sha256.ts";
import { type Client, connect } from "../support/client.ts";
import { inTime } from "../support/in_time.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { BOB, PUBLISHABLE_KEY, sign } from "../support/tokens.ts";
import type { Script } from "../support/upstream.ts";
import { Wire } from "../support/wire.ts";
import { untilSaid } from "./support/people.ts";

const [ALICES, BOBS] = [crypto.randomUUID(), crypto.randomUUID()];

/** A project whose Realtime accepts a user's socket when the test says so, and tells of ends. */
function play() {
  let sessions: WebSocket | undefined;
  let dials = 0;
  const [dialled, accepted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const script: Script = {
    onRequest: () => {
      const inserted_at = new Date().toISOString();
      return Response.json([{ id: null, payload: null, inserted_at }]);
    },
    async refuse(request) {
      const isControl = request.url.includes("vsn=1.0.0");
      if (!isControl && ++dials === 2) {
        dialled.resolve();
        await accepted.promise;
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      if (isControl) sessions = answering(socket);
      return response;
    },
  };
  async function tellEnds(...ids: string[]): Promise<void> {
    const payload = { sessions: await Promise.all(ids.map(sha256)) };
    const told = { event: "ended", payload, type: "broadcast", meta: { id: crypto.randomUUID() } };
    sessions!.send(frame({ event: "broadcast", payload: told }));
  }
  return { script, dialled: dialled.promise, accept: accepted.resolve, tellEnds };
}

const frame = (rest: Record<string, unknown>) =>
  JSON.stringify({ ref: null, topic: "realtime:relay:sessions", ...rest });

function answering(socket: WebSocket): WebSocket {
  socket.onmessage = ({ data }) => {
    const { ref, topic } = JSON.parse(data);
    const payload = { status: "ok", response: {} };
    socket.send(frame({ ref, topic, event: "phx_reply", payload }));
  };
  return socket;
}

/** How a user comes: by the handshake, or by the first join. */
const WAYS: Record<string, (address: string, token: string) => Client> = {
  "in the handshake": (address, token) =>
    connect(`ws://${address}/relay/websocket?vsn=2.0.0&jwt=${token}`),
  "in the first join": (address, access_token) => {
    const client = connect(`ws://${address}/relay/websocket?vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`);
    const payload = { config: {}, access_token };
    const join = JSON.stringify(["1", "1", "realtime:a", "phx_join", payload]);
    client.opened.then(() => client.send(join));
    return client;
  },
};

for (const [way, come] of Object.entries(WAYS)) {
  testOnNewest(
    `a session named ${way} that ends while Realtime is dialled opens no socket`,
    async (host) => {
      const { script, dialled, accept, tellEnds } = play();
      await withRelay(host, { ...script, env: { RELAY_REVOKE: "auto" } }, async ({ relay }) => {
        const bob = WAYS["in the handshake"](
          relay.address,
          await sign({ sub: BOB, session_id: BOBS }),
        );
        await bob.opened;
        await untilSaid(relay, /^on$/);
        const alice = come(relay.address, await sign({ session_id: ALICES }));
        await inTime(dialled, "Realtime is dialled for her");
        await tellEnds(ALICES, BOBS);
        // One message tells of both.
        assert.match((await inTime(bob.closed, "his socket ends")).reason, /^signed_out/);
        accept();
        assert.match((await inTime(alice.closed, "hers does not begin")).reason, /^signed_out/);
      });
    },
  );
}

testOnNewest(
  "an HTTP broadcast of a session that ends while its body comes is not sent on",
  async (host) => {
    const { script, tellEnds } = play();
    await withRelay(host, { ...script, env: { RELAY_REVOKE: "auto" } }, async (served) => {
      const { relay, upstream, urlWith } = served;
      const bob = connect(urlWith(await sign({ sub: BOB, session_id: BOBS })));
      await bob.opened;
      await untilSaid(relay, /^on$/);
      const wire = await Wire.to(`http://${relay.address}`);
      await wire.send([
        "POST /relay/api/broadcast/a/events/e HTTP/1.1",
        "Host: a",
        `Authorization: Bearer ${await sign({ session_id: ALICES })}`,
        "Content-Type: application/json",
        "Content-Length: 2\r\n\r\n{",
      ].join("\r\n"));
      await tellEnds(ALICES, BOBS);
      await inTime(bob.closed, "the relay knows it");
      await wire.send("}");
      assert.deepEqual(await wire.answer(), [401, "signed_out"]);
      assert.ok(!upstream.requests.some((line) => line.includes("/api/broadcast")));
      wire.connection.close();
    });
  },
);
