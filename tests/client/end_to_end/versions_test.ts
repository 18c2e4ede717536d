/** Clients and relays that are not of one age. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { relayTransport } from "../../../client/mod.ts";
import { inTime } from "../../support/in_time.ts";
import { PUBLISHABLE_KEY } from "../../support/tokens.ts";
import { clientAt, OLD } from "../support/world/client_at.ts";
import { withScriptedRelays } from "./support/two_relays.ts";

const TOPIC = "realtime:room";

/** A channel that is subscribed through a relay, and what it hears. */
async function subscribe(create: typeof relayTransport, relay: string) {
  const transport = create({ relay, token: () => null });
  const supabase = createClient("https://abc.supabase.co", PUBLISHABLE_KEY, {
    realtime: { transport: transport as never },
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const heard: unknown[] = [];
  const told: string[] = [];
  let wake = () => {};
  const channel = supabase.channel("room").on("broadcast", { event: "e" }, ({ payload }) => {
    heard.push(payload);
    wake();
  });
  const joined = new Promise<void>((go) =>
    channel.subscribe((status) => {
      told.push(status);
      if (status === "SUBSCRIBED") go();
    })
  );
  await inTime(joined, "subscribed");
  return {
    ...{ heard, told, transport },
    async hears(payload: unknown): Promise<void> {
      while (!heard.includes(payload)) {
        await inTime(new Promise<void>((go) => wake = go), `hears ${payload}`);
      }
    },
    leave: () => supabase.realtime.disconnect(),
  };
}

Deno.test("a client of before subscribes on the relay of now, and moves to the next one", async () => {
  const { relayTransport } = await clientAt(OLD);
  await withScriptedRelays(async ({ relay, handOver }, realtime) => {
    const viewer = await subscribe(relayTransport, relay);
    realtime.say(TOPIC, "before");
    await viewer.hears("before");
    await handOver();
    realtime.say(TOPIC, "after");
    await viewer.hears("after");
    assert.deepEqual([viewer.heard, viewer.told], [["before", "after"], ["SUBSCRIBED"]]);
    await viewer.leave();
  });
});

/** A relay that knows `realtime-relay.v1` alone, and breaks a frame's lines as JSON may. */
function serveFirstVersion() {
  const offered: string[][] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    offered.push(request.headers.get("sec-websocket-protocol")!.split(", "));
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "realtime-relay.v1" });
    socket.onmessage = ({ data }) => {
      const [joinRef, ref, topic, event] = JSON.parse(data);
      const send = (...message: unknown[]) => socket.send(JSON.stringify(message, null, 1));
      send(joinRef, ref, topic, "phx_reply", { status: "ok", response: {} });
      const payload = { type: "broadcast", event: "e", payload: "here" };
      if (event === "phx_join") send(joinRef, null, topic, "broadcast", payload);
    };
    return response;
  });
  return { relay: `http://127.0.0.1:${server.addr.port}`, offered, stop: () => server.shutdown() };
}

Deno.test("the client of now subscribes on a relay that knows the first version alone", async () => {
  const { relay, offered, stop } = serveFirstVersion();
  const viewer = await subscribe(relayTransport, relay);
  await viewer.hears("here");
  assert.deepEqual(offered, [["realtime-relay.v2", "realtime-relay.v1"]]);
  assert.equal(viewer.transport.status.state, "live");
  await viewer.leave();
  await stop();
});
