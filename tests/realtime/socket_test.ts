import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { SELF_HOSTED } from "../../tools/stack/realtime/mod.ts";
import { type Bench, openBench } from "./support/realtime.ts";
import { openWire, upgrade, type Wire } from "./support/wire.ts";

const TOPIC = "realtime:t";

/** The answer to a push, by its ref. */
const reply = (wire: Wire, ref: string) => wire.next("phx_reply", (frame) => frame.ref === ref);

Deno.test("one socket: heartbeats, leaves, second joins, what it does not know", async (t) => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token());

  await t.step("a heartbeat is answered", async () => {
    wire.push("phoenix", "heartbeat", {}, "h");
    assert.deepEqual((await reply(wire, "h")).payload, { status: "ok", response: {} });
  });

  await t.step("a topic that was not joined is unmatched, and may be left", async () => {
    for (const [topic, event] of [[TOPIC, "broadcast"], ["phoenix", "zzz"], ["a:b", "phx_join"]]) {
      wire.push(topic, event, {}, topic + event);
      assert.deepEqual((await reply(wire, topic + event)).payload, {
        status: "error",
        response: { reason: "unmatched topic" },
      });
    }
    wire.push(TOPIC, "phx_leave", {}, "leave");
    assert.equal((await reply(wire, "leave")).payload.status, "ok");
  });

  await t.step("a second join closes the first with its ref", async () => {
    const topic = "realtime:again";
    const join = (ref: string) =>
      wire.send(JSON.stringify({ topic, event: "phx_join", payload: {}, ref, join_ref: ref }));
    join("one");
    await reply(wire, "one");
    join("two");
    await reply(wire, "two");
    assert.equal((await wire.next("phx_close")).ref, "one");
    // Phoenix answers no leave of another join than the channel's.
    const leave = (join_ref: unknown, ref: string) =>
      wire.send(JSON.stringify({ topic, event: "phx_leave", payload: {}, ref, join_ref }));
    leave("one", "old");
    leave(undefined, "none");
    leave(2, "number");
    wire.push("phoenix", "heartbeat", {}, "behind");
    await reply(wire, "behind");
    assert.ok(!wire.has("phx_close") && !wire.has("phx_reply"));
    leave("two", "three");
    await reply(wire, "three");
    assert.equal((await wire.next("phx_close")).ref, "two");
  });

  await t.step("a join without a ref is anybody's to leave", async () => {
    const topic = "realtime:anybody";
    wire.send(JSON.stringify({ topic, event: "phx_join", payload: {}, ref: "j" }));
    await reply(wire, "j");
    wire.send(JSON.stringify({ topic, event: "phx_leave", payload: {}, ref: "l", join_ref: "9" }));
    await reply(wire, "l");
    assert.equal((await wire.next("phx_close")).topic, topic);
  });

  await t.step("presence calls are known by their names in letters of any size", async () => {
    const topic = "realtime:names";
    await wire.join(topic);
    for (const event of ["TRACK", "Untrack", "other"]) {
      wire.push(topic, "presence", { event }, event);
      const { payload: { status } } = await reply(wire, event);
      assert.equal(status, event === "other" ? "error" : "ok", event);
    }
  });

  await t.step("what cannot be read or is not known is passed over in silence", async () => {
    await wire.join(TOPIC);
    const before = wire.received.length;
    wire.send("{not json");
    wire.send("[]");
    wire.send(new Uint8Array([9, 9, 9]));
    wire.push(TOPIC, "whatever", { a: 1 });
    wire.push(TOPIC, "broadcast", {});
    wire.push("phoenix", "heartbeat", {}, "end");
    await reply(wire, "end");
    assert.equal(wire.received.length, before + 1);
  });

  await t.step("messages are handled in order, also behind a join", async () => {
    const topic = "realtime:order";
    const payload = { config: { broadcast: { self: true } } };
    wire.send(JSON.stringify({ topic, event: "phx_join", payload, ref: "j", join_ref: "j" }));
    for (const n of [1, 2, 3]) {
      wire.push(topic, "broadcast", { type: "broadcast", event: "n", payload: { n } });
    }
    for (const n of [1, 2, 3]) {
      const { payload } = await wire.next("broadcast");
      assert.equal(payload.payload.n, n);
    }
  });

  await t.step("a payload above its limit is refused to who asks, and sent to nobody", async () => {
    const topic = "realtime:large";
    await wire.join(topic, { broadcast: { ack: true, self: true } });
    wire.push(topic, "broadcast", { event: "e", payload: "x".repeat(3_000_001) }, "large");
    assert.deepEqual((await reply(wire, "large")).payload, {
      status: "error",
      response: "payload_size_exceeded",
    });
    assert.equal(wire.has("broadcast"), false);
  });

  await t.step("a presence above it ends its channel", async () => {
    const topic = "realtime:large-presence";
    await wire.join(topic);
    const payload = { x: "x".repeat(3_000_001) };
    wire.push(topic, "presence", { event: "track", payload }, "large-presence");
    const system = await wire.next("system", (frame) => frame.topic === topic);
    assert.equal(system.payload.message, "Track message size exceeded");
    await wire.next("phx_close", (frame) => frame.topic === topic);
    const isReply = (frame: string | Uint8Array) =>
      String(frame).includes('"ref":"large-presence"');
    assert.ok(!wire.received.some(isReply));
  });

  await t.step("a frame above its limit closes the socket with 1009", async () => {
    wire.send("x".repeat(5_000_001));
    assert.equal((await wire.closed).code, 1009);
  });
});

Deno.test("a channel answers with the ref of its own join, whatever a push says", async () => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token(), {}, "2.0.0");
  const config = { broadcast: { ack: true } };
  wire.send(JSON.stringify(["7", "1", TOPIC, "phx_join", { config }]));
  await reply(wire, "1");
  wire.send(JSON.stringify([null, "2", TOPIC, "broadcast", {}]));
  wire.send(JSON.stringify(["6", "3", TOPIC, "presence", {}]));
  for (const ref of ["2", "3"]) assert.equal((await reply(wire, ref)).join_ref, "7", ref);
  wire.close();
});

Deno.test("a client that says nothing for so long is closed with 1000", async () => {
  await using bench = await openBench({ limits: { idleMs: 200 } });
  const wire = await openWire(bench, await bench.token());
  assert.equal((await wire.closed).code, 1000);
});

Deno.test("a client that does not read is let go of, and the others are served", async () => {
  await using bench = await openBench({ limits: { unreadBytes: 1_000_000 } });
  const clients = async () => {
    const response = await fetch(`${bench.realtime.url}/api/tenants/127/health`);
    return (await response.json()).data.connected_cluster;
  };
  const [sender, reader] = [
    await openWire(bench, await bench.token()),
    await openWire(bench, await bench.token()),
  ];
  for (const wire of [sender, reader]) await wire.join(TOPIC);
  const deaf = await openDeaf(bench, await bench.token());
  const payload = { type: "broadcast", event: "e", payload: { x: "x".repeat(500_000) } };
  let sent = 0;
  // How much the kernel takes for a client that does not read, only the kernel knows.
  for (; await clients() === 3 && sent < 200; sent++) {
    sender.push(TOPIC, "broadcast", payload);
    await reader.next("broadcast");
  }
  assert.equal(await clients(), 2, `after ${sent} broadcasts`);
  deaf.destroy();
});

/** A socket that has joined and reads nothing more. */
async function openDeaf(bench: Bench, token: string): Promise<Socket> {
  const { port } = new URL(bench.realtime.url);
  const socket = connect(Number(port), "127.0.0.1");
  const frame = JSON.stringify({
    topic: TOPIC,
    event: "phx_join",
    payload: {},
    ref: "1",
    join_ref: "1",
  });
  const text = new TextEncoder().encode(frame);
  socket.write(
    `GET /socket/websocket?apikey=${token} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n` +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  // A mask of zeros leaves the text as it is.
  socket.write(new Uint8Array([0x81, 0x80 | text.length, 0, 0, 0, 0, ...text]));
  let heard = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (data) => {
      heard += data;
      if (heard.includes("phx_reply")) resolve();
    });
  });
  socket.pause();
  return socket;
}

Deno.test("limits of a self-hosted server, where they are switched on", async (t) => {
  const limits = { ...SELF_HOSTED, channels: 3, sockets: 2, joinsPerSecond: 1000 };
  await using bench = await openBench({ limits });
  const wire = await openWire(bench, await bench.token());

  await t.step("channels of a socket", async () => {
    for (const n of [1, 2, 3]) assert.equal((await wire.join(`realtime:${n}`)).status, "ok");
    assert.deepEqual(await wire.join("realtime:4"), {
      status: "error",
      response: { reason: "ChannelRateLimitReached: Too many channels" },
    });
  });

  await t.step("presence calls of a channel in half a minute", async () => {
    for (let n = 0; n < 6; n++) {
      wire.push("realtime:1", "presence", { event: "track", payload: { n } }, `p${n}`);
    }
    for (let n = 0; n < 5; n++) assert.equal((await reply(wire, `p${n}`)).payload.status, "ok");
    assert.equal(
      (await wire.next("system")).payload.message,
      "Client presence rate limit exceeded",
    );
    await wire.next("phx_close");
  });

  await t.step("sockets", async () => {
    const other = await openWire(bench, await bench.token());
    const answer = await upgrade(bench, `?apikey=${await bench.token()}`);
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [429, {
      error: "Too many connected users",
    }]);
    other.close();
    await other.closed;
  });
  wire.close();
});

Deno.test("a join that is one channel too many counts as a join too", async () => {
  const limits = { channels: 1, joinsPerSecond: 3 / 60 };
  await using bench = await openBench({ limits });
  const wire = await openWire(bench, await bench.token());
  assert.equal((await wire.join("realtime:1")).status, "ok");
  for (const n of [2, 3]) {
    const { response: { reason } } = await wire.join(`realtime:${n}`);
    assert.equal(reason, "ChannelRateLimitReached: Too many channels");
  }
  const { response: { reason } } = await wire.join("realtime:4");
  assert.equal(reason, "ClientJoinRateLimitReached: Too many joins per second");
  assert.equal((await wire.closed).code, 1001);
});
