import assert from "node:assert/strict";
import { encode, type Vsn } from "../../client/frame.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const PROTOCOLS = ["realtime-relay.v2", "realtime-relay.v1"];

for (const vsn of ["1.0.0", "2.0.0"] as Vsn[]) {
  Deno.test(`vsn ${vsn}: each line of a message is a frame, in order, where the relay took v2`, async () => {
    const world = new ScriptedWorld({}, vsn);
    const { face, frames, first } = await world.live();
    assert.deepEqual(first.protocols, PROTOCOLS);
    const heard = () =>
      frames.filter(({ event }) => event === "broadcast").map(({ payload }) => payload.payload);
    const lines = (...numbers: number[]) =>
      numbers.map((n) => encode(vsn, broadcast(TOPIC, n))).join("\n");
    first.onmessage!({ data: lines(1, 2, 3) });
    first.onmessage!({ data: `${lines(4)}\n` });
    assert.deepEqual(heard(), [1, 2, 3, 4]);
    first.protocol = "realtime-relay.v1";
    const spaced = String(lines(5)).replace(/,(?=")/, ",\n");
    first.onmessage!({ data: spaced });
    assert.deepEqual(heard(), [1, 2, 3, 4, 5], "a line end within a frame of v1 is a blank");
    face.close();
  });
}

Deno.test("a binary message is one frame, whatever bytes are in it", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  const part = (text: string) => new TextEncoder().encode(text);
  const [topic, event, meta, body] = [part(TOPIC), part("e"), part(""), part('{\n"n":1}')];
  const head = [4, topic.length, event.length, meta.length, 1];
  first.onmessage!({
    data: new Uint8Array([...head, ...topic, ...event, ...meta, ...body]).buffer,
  });
  const [{ payload }] = frames.filter(({ event }) => event === "broadcast");
  assert.deepEqual(payload.payload, { n: 1 });
  face.close();
});

Deno.test("what ends the socket ends the batch", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  let heard = 0;
  face.onmessage = () => ++heard === 2 && face.close();
  const lines = [1, 2, 3].map((n) => encode("2.0.0", broadcast(TOPIC, n)));
  first.onmessage!({ data: lines.join("\n") });
  assert.equal(heard, 2);
});

Deno.test("and what is behind it is not taken for the next one's", async () => {
  const world = new ScriptedWorld();
  const { face } = world.connect();
  await world.settle();
  const { socket } = world;
  socket.answers = false;
  socket.open();
  world.join(face, TOPIC);
  face.onmessage = () => face.close();
  // The relay itself refuses the join, and Realtime answers the heartbeat.
  const answers = [
    { ...socket.out("phx_join")[0], payload: { status: "error", response: { reason: "busy: x" } } },
    { ...socket.out("heartbeat")[0], payload: { status: "ok", response: {} } },
  ];
  const lines = answers.map((frame) => encode("2.0.0", { ...frame, event: "phx_reply" }));
  socket.onmessage!({ data: lines.join("\n") });
  const again = await world.live();
  assert.equal(again.first.out("phx_join").length, 1);
  again.face.close();
});
