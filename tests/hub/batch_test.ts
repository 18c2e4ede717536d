import assert from "node:assert/strict";
import { bytesOf, MAX_BATCH_BYTES } from "../../supabase/functions/relay/peer/batch.ts";
import { BATCHES, CONFIG, type FakeClient, Stage } from "../support/hub/stage.ts";
import { inSeconds, sign } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";
const BROADCASTS = { ...CONFIG, postgres_changes: [] };

/** A stage whose clients take batches. */
function batching(...how: ConstructorParameters<typeof Stage>): Stage {
  const stage = new Stage(...how);
  stage.protocol = BATCHES;
  return stage;
}

const emit = ({ realtime }: Stage, n: number, padding = "") =>
  realtime.emit(TOPIC, "broadcast", { event: "x", payload: { n, padding } });

/** The numbers of the broadcasts that a client was told of. */
const heard = ({ frames }: FakeClient) =>
  frames.flatMap((frame) =>
    frame?.event === "broadcast" ? [(frame.payload as { payload: { n: number } }).payload.n] : []
  );

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Messages since the answer to the join. */
const later = ({ messages }: FakeClient) => messages.slice(1);

/** What Realtime says to the channel that all share, word for word. */
const say = ({ realtime }: Stage, message: string | ArrayBuffer) =>
  realtime.channels.find(({ token }) => token === undefined)!.line.socket.receive(message);

/** A binary broadcast of one byte. */
function binary(n: number): ArrayBuffer {
  const topic = new TextEncoder().encode(TOPIC);
  return new Uint8Array([4, topic.length, 1, 0, 0, ...topic, 120, n]).buffer;
}

Deno.test("frames that come together go in one message, the same text for all viewers", async () => {
  using stage = batching();
  const viewers = [await stage.view(TOPIC, BROADCASTS), await stage.view(TOPIC, BROADCASTS)];
  for (let n = 1; n <= 20; n++) emit(stage, n);
  await stage.clock.settle();
  for (const viewer of viewers) {
    assert.equal(later(viewer).length, 1);
    assert.deepEqual(heard(viewer), range(1, 20));
  }
  assert.equal(viewers[0].messages[1], viewers[1].messages[1]);
});

Deno.test("a single frame goes out before any timer or event, as it came", async () => {
  using stage = batching();
  const viewer = await stage.view(TOPIC, BROADCASTS);
  const text = `[null,null,"${TOPIC}","broadcast",{"n":9007199254740993,"x":1.50}]`;
  say(stage, text);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.deepEqual(later(viewer), [text]);
});

Deno.test("who negotiated no batches is sent each frame at once, beside those who did", async () => {
  using stage = batching();
  const newer = await stage.view(TOPIC, BROADCASTS);
  stage.protocol = "realtime-relay.v1";
  const older = await stage.view(TOPIC, BROADCASTS);
  for (let n = 1; n <= 5; n++) {
    emit(stage, n);
    assert.equal(older.messages.length, 1 + n);
  }
  await stage.clock.settle();
  assert.deepEqual(newer.texts, older.texts);
  assert.deepEqual([later(newer).length, later(older).length], [1, 5]);
});

/** Frames that a sender hides in what Realtime passes on unparsed, and how many frames they are. */
const FORGED = [
  `[null,null,"${TOPIC}","broadcast",{"a":1,\n"b":2}]`,
  `[null,null,"${TOPIC}","broadcast",\n["1","1","${TOPIC}","phx_close",{}]\n]`,
  `[null,null,"${TOPIC}","broadcast",{"x":\n["1","1","${TOPIC}","phx_reply",{"status":"error"}]\n}]`,
  `[null,null,"${TOPIC}","broadcast",{}\n]`,
  `[null,null,"${TOPIC}","broadcast",\r\n\r\n\n{}]`,
  `\n[null,null,"${TOPIC}","broadcast",{}]`,
  `[null,\nnull,"${TOPIC}","broadcast",{}]\n`,
];

for (const [n, forged] of FORGED.entries()) {
  Deno.test(`a payload forges no frame of a batch, nor of a message of its own: ${n}`, async () => {
    for (const credential of [undefined, await sign()]) {
      using stage = batching();
      const viewer = await stage.view(TOPIC, BROADCASTS, credential);
      const { line } = stage.realtime.channels[0];
      line.socket.receive(forged);
      await stage.clock.settle();
      assert.equal(viewer.texts.length, 2);
      assert.deepEqual(JSON.parse(viewer.texts[1]), JSON.parse(forged));
      for (let before = 0; before < 2; before++) line.socket.receive(forged);
      await stage.clock.settle();
      assert.equal(viewer.texts.length, 4);
      for (const text of viewer.texts.slice(1)) {
        assert.deepEqual(JSON.parse(text), JSON.parse(forged));
      }
    }
  });
}

Deno.test("what the relay itself says to a client is one line, whatever the client called it", async () => {
  using stage = batching();
  const viewer = await stage.open();
  viewer.socket.receive(`["a\\nb","c\\nd","realtime:\\n[]","phx_join",\n{"config":{}}]`);
  viewer.socket.receive(`["a\\nb","e\\nf","realtime:other\\n","broadcast",\n{}]`);
  await stage.clock.settle();
  assert.ok(viewer.frames.length >= 2);
  assert.ok(viewer.frames.every((frame) => frame?.event === "phx_reply"), viewer.texts.join(" "));
});

Deno.test("binary messages come alone, and the order is kept", async () => {
  for (const credential of [undefined, await sign()]) {
    using stage = batching();
    const viewer = await stage.view(TOPIC, BROADCASTS, credential);
    const { line } = stage.realtime.channels[0];
    emit(stage, 1);
    emit(stage, 2);
    line.socket.receive(binary(3));
    line.socket.receive(binary(4));
    emit(stage, 5);
    line.socket.receive(binary(6));
    await stage.clock.settle();
    const seen = later(viewer).map((message) =>
      typeof message === "string"
        ? message.split("\n").map((text) => JSON.parse(text)[4].payload.n)
        : new Uint8Array(message).at(-1)
    );
    assert.deepEqual(seen, [[1, 2], 3, 4, [5], 6]);
  }
});

Deno.test("a batch is at most 64 kB of UTF-8, or one frame", async () => {
  for (const credential of [undefined, await sign()]) {
    using stage = batching();
    const viewer = await stage.view(TOPIC, BROADCASTS, credential);
    // One, two and three bytes a unit, then frames about as large as a batch, and one that is larger.
    const paddings = ["x".repeat(700), "é".repeat(700), "☃".repeat(700)];
    const sizes = [65_000, 400, 200_000, 300, 65_400];
    let n = 0;
    for (let round = 0; round < 100; round++) emit(stage, ++n, paddings[round % 3]);
    for (const size of sizes) emit(stage, ++n, "x".repeat(size));
    await stage.clock.settle();
    assert.deepEqual(heard(viewer), range(1, n));
    const texts = later(viewer).map(String);
    for (const text of texts) {
      const bytes = new TextEncoder().encode(text).length;
      assert.ok(bytes <= MAX_BATCH_BYTES || !text.includes("\n"), `${bytes} bytes`);
    }
    assert.ok(texts.length < 15, `${texts.length} messages`);
  }
});

Deno.test("who takes batches is sent the relay's notices too, each a frame", async () => {
  using stage = batching();
  const viewer = await stage.view(TOPIC, BROADCASTS, await sign({ exp: inSeconds(100) }));
  await stage.clock.pass(41_000);
  const { topic, payload } = viewer.frames.at(-1)!;
  assert.deepEqual([topic, (payload as { status: string }).status], ["phoenix", "token_expiring"]);
});

Deno.test("bytes are counted as they are sent, and no further than a batch goes", () => {
  for (const text of ["", "a", "é☃𝄞", "\ud800", "x".repeat(MAX_BATCH_BYTES)]) {
    assert.equal(bytesOf(text), new TextEncoder().encode(text).length);
  }
  for (const text of ["x".repeat(MAX_BATCH_BYTES + 1), "☃".repeat(MAX_BATCH_BYTES / 2)]) {
    assert.equal(bytesOf(text), Infinity);
  }
});

Deno.test("frames of several channels of a viewer go in one message", async () => {
  using stage = batching();
  const viewer = await stage.view(TOPIC, BROADCASTS);
  viewer.join("realtime:second", BROADCASTS);
  await stage.clock.settle();
  const before = viewer.messages.length;
  for (let n = 0; n < 3; n++) {
    stage.realtime.emit("realtime:second", "broadcast", { event: "second" });
    emit(stage, n);
  }
  await stage.clock.settle();
  assert.equal(viewer.messages.length, before + 1);
  assert.equal(viewer.frames.length, 2 + 6);
});

Deno.test("what came before a client's frame is sent before what follows from it", async () => {
  using stage = batching();
  const [viewer, other] = [
    await stage.view(TOPIC, BROADCASTS),
    await stage.view(TOPIC, BROADCASTS),
  ];
  emit(stage, 1);
  viewer.send(TOPIC, "phx_leave", {}, "1");
  emit(stage, 2);
  await stage.clock.settle();
  assert.deepEqual(viewer.heard().slice(1), ["broadcast x", "phx_reply 2 ok", "phx_close 1"]);
  assert.deepEqual(heard(other), [1, 2]);
});

Deno.test("what came before a close is sent before it", async () => {
  for (const credential of [undefined, await sign()]) {
    using stage = batching();
    const viewer = await stage.view(TOPIC, BROADCASTS, credential);
    emit(stage, 1);
    emit(stage, 2);
    viewer.socket.receive("x".repeat(6_000_000)); // Too big: the relay ends the socket.
    await stage.clock.pass(1_000);
    assert.deepEqual(heard(viewer), [1, 2]);
    assert.equal(viewer.socket.closedWith?.code, 4413);
  }
  using stage = batching();
  const user = await stage.view(TOPIC, BROADCASTS, await sign());
  emit(stage, 1);
  emit(stage, 2);
  stage.realtime.cut();
  await stage.clock.pass(1_000);
  assert.deepEqual([heard(user), user.socket.closedWith?.code], [[1, 2], 4502]);
});

Deno.test("what came before the viewer's own socket was lost is sent before the close", async () => {
  using stage = batching();
  const viewer = await stage.view(TOPIC, BROADCASTS);
  viewer.join("realtime:own", { ...BROADCASTS, broadcast: { ack: true, self: true } });
  await stage.clock.settle();
  const own = stage.realtime.channels.find(({ join }) => join.topic === "realtime:own")!;
  emit(stage, 1);
  emit(stage, 2);
  own.line.socket.end(1006);
  await stage.clock.pass(1_000);
  assert.deepEqual([heard(viewer), viewer.socket.closedWith?.code], [[1, 2], 4502]);
});

Deno.test("what one viewer does while frames wait for another takes none from it", async () => {
  using stage = batching();
  const newer = await stage.view(TOPIC, BROADCASTS);
  stage.protocol = undefined;
  const older = [await stage.view(TOPIC, BROADCASTS), await stage.view(TOPIC, BROADCASTS)];
  older[1].socket.isReading = false;
  emit(stage, 1, "x".repeat(2_000_000));
  emit(stage, 2);
  older[0].join(TOPIC, BROADCASTS);
  older[1].send(TOPIC, "phx_leave", {}, "1");
  emit(stage, 3);
  await stage.clock.settle();
  assert.deepEqual([heard(newer), heard(older[0])], [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("frames with refs of their own keep their place among those of all", async () => {
  using stage = batching();
  const viewers = [await stage.view(TOPIC, BROADCASTS), await stage.open()];
  viewers[1].send("phoenix", "heartbeat");
  viewers[1].join(TOPIC, BROADCASTS);
  await stage.clock.settle();
  emit(stage, 1);
  stage.realtime.system(stage.realtime.channels[0], { extension: "system", status: "error" });
  emit(stage, 2);
  stage.realtime.end(stage.realtime.channels[0], "phx_close");
  await stage.clock.settle();
  for (const [n, viewer] of viewers.entries()) {
    assert.deepEqual(viewer.heard().slice(-4), [
      "broadcast x",
      "system error",
      "broadcast x",
      `phx_close ${n + 1}`,
    ]);
    viewer.send(TOPIC, "broadcast", { event: "x" });
    await stage.clock.settle();
    assert.match(viewer.heard().at(-1)!, /error unmatched topic$/);
    viewer.frames.pop();
    assert.equal(viewer.frames.at(-3)!.join_ref, String(n + 1));
  }
});

Deno.test("who joins while frames wait gets those that come after its answer", async () => {
  using stage = batching();
  const first = await stage.view(TOPIC, BROADCASTS);
  const late = await stage.open();
  await stage.clock.settle();
  emit(stage, 1);
  late.join(TOPIC, BROADCASTS);
  emit(stage, 2);
  await stage.clock.settle();
  assert.deepEqual([heard(first), heard(late)], [[1, 2], [2]]);
  assert.equal(late.heard()[0], "phx_reply 1 ok");
});

Deno.test("a slow viewer catches up in batches, in order, and the others do not wait for it", async () => {
  using stage = batching();
  const [slow, quick] = [
    await stage.view(TOPIC, BROADCASTS),
    await stage.view(TOPIC, BROADCASTS),
  ];
  slow.socket.isReading = false;
  const padding = "x".repeat(1_000);
  for (let n = 1; n <= 3_000; n++) {
    emit(stage, n, padding);
    if (n % 10 === 0) await stage.clock.settle(1);
  }
  assert.deepEqual(heard(quick), range(1, 3_000));
  assert.ok(slow.socket.bufferedAmount <= 1.2 * (1 << 20), `${slow.socket.bufferedAmount} bytes`);
  const before = slow.messages.length;
  slow.socket.isReading = true;
  await stage.clock.pass(100);
  assert.deepEqual(heard(slow), range(1, 3_000));
  assert.ok(slow.messages.length - before < 500, `${slow.messages.length} messages`);
  assert.equal(slow.socket.readyState, 1);
});

Deno.test("little room is no reason to cut off who reads", async () => {
  using stage = batching({ RELAY_MAX_UNSENT_BYTES: "65536" });
  const viewer = await stage.open();
  const topics = range(1, 30).map((n) => `realtime:room${n}`);
  for (const topic of topics) viewer.join(topic, BROADCASTS);
  await stage.clock.settle();
  for (let n = 1; n <= 10; n++) {
    for (const topic of topics) {
      const payload = { n, padding: "x".repeat(300) };
      stage.realtime.emit(topic, "broadcast", { event: "x", payload });
    }
  }
  await stage.clock.pass(1_000);
  assert.equal(viewer.socket.readyState, 1);
  assert.equal(heard(viewer).length, 300);
});
