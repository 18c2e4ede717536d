import assert from "node:assert/strict";
import type { FakeChannel } from "../support/hub/fake_realtime.ts";
import { CONFIG, type FakeClient, Stage, test } from "../support/hub/stage.ts";
import { ALICE, BOB, inSeconds, sign } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";
const BROADCASTS = { ...CONFIG, postgres_changes: [] };

const token = (sub = ALICE) => sign({ sub });

/** A client that says nothing is closed after half of it. */
const CLOSE_MS = 100;

const isOwn = ({ token }: FakeChannel) => token !== undefined;
const isShared = (channel: FakeChannel) => !isOwn(channel);

const changesOf = (client: FakeClient) =>
  client.heard().filter((it) => it.startsWith("change")).map((it) => JSON.parse(it.slice(7)));

/**
 * Waits for what takes no timer, as a signature does, or for a timer where the stage's clock goes on
 * by `step` ms at each look. The deadline is of the real clock.
 */
async function until(stage: Stage, holds: () => boolean, step = 0): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds() && performance.now() < end) await stage.clock.pass(step);
  assert.ok(holds());
}

for (const vsn of ["2.0.0", "1.0.0"] as const) {
  test(`a viewer that signs in loses nothing and gets nothing twice, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { realtime, clock } = stage;
    const other = await stage.view(TOPIC, CONFIG, undefined, vsn);
    const viewer = await stage.view(TOPIC, CONFIG, undefined, vsn);
    const change = (data: unknown, to?: (channel: FakeChannel) => boolean) =>
      realtime.emit(TOPIC, "postgres_changes", { data, ids: [7] }, to);
    change(1);
    realtime.holdsSystem = true;
    viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
    await until(stage, () => realtime.channels.length === 2);
    change(2, isShared);
    change(3, isShared);
    change(3, isOwn); // Both carry it: Realtime subscribed the second before it told so.
    change("hidden", isOwn);
    change(3, isShared); // The same row once more: an update without change.
    change(3, isOwn);
    await clock.settle();
    assert.deepEqual(changesOf(viewer), [1, 2, 3, 3]);
    realtime.subscribed(realtime.channels.find(isOwn)!);
    await clock.settle();
    change(4);
    await clock.settle();
    assert.deepEqual(changesOf(viewer), [1, 2, 3, 3, "hidden", 4]);
    assert.deepEqual(changesOf(other), [1, 2, 3, 3, 4]);
    assert.deepEqual(viewer.heard().slice(0, 2), ["phx_reply 1 ok", "system ok"]);
    assert.equal(viewer.heard().filter((it) => !it.startsWith("change")).length, 2);
    assert.deepEqual(realtime.channels.find(isOwn)!.join.payload, {
      config: CONFIG,
      access_token: realtime.channels.find(isOwn)!.token,
    });
  });
}

for (const vsn of ["2.0.0", "1.0.0"] as const) {
  test(`a viewer whose own channel has other binding ids is told to join anew, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { realtime, clock } = stage;
    const viewer = await stage.view(TOPIC, CONFIG, undefined, vsn);
    realtime.bindingId = 8;
    viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
    await until(stage, () => viewer.heard().length === 3);
    assert.equal(viewer.heard()[2], "phx_error 1", "it would pass over what comes with these");
    await clock.settle();
    assert.ok(!realtime.channels.some(isOwn), "nobody hears what comes there");
    viewer.join(TOPIC, CONFIG);
    await clock.settle();
    assert.deepEqual(viewer.heard().slice(3), ["phx_reply 3 ok", "system ok"], "nor of its end");
    const { payload } = viewer.frames.findLast(({ event }) => event === "phx_reply")!;
    const { response } = payload as { response: { postgres_changes: { id: number }[] } };
    assert.equal(response.postgres_changes[0].id, 8);
    realtime.emit(TOPIC, "postgres_changes", { data: 1, ids: [8] });
    await clock.settle();
    assert.deepEqual(changesOf(viewer), [1]);
  });
}

test("a change that only the group brings, after the new channel is subscribed, is not lost", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const change = (data: unknown, to?: (channel: FakeChannel) => boolean) =>
    realtime.emit(TOPIC, "postgres_changes", { data }, to);
  for (const endsByChange of [true, false]) {
    const viewer = await stage.view(TOPIC);
    viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
    await until(stage, () => realtime.channels.some(isOwn));
    await clock.pass(2_000);
    change("late", isShared); // Its check had begun before the viewer subscribed.
    change("own", isOwn);
    await clock.settle();
    assert.deepEqual(changesOf(viewer), ["late"], "what follows waits, to keep the order");
    if (endsByChange) {
      change("next", isOwn);
      change("next", isShared);
      await clock.settle();
    } else await clock.pass(1_000);
    const all = endsByChange ? ["late", "own", "next"] : ["late", "own"];
    assert.deepEqual(changesOf(viewer), all);
    change("group's", isShared);
    change("last", isOwn);
    await clock.settle();
    assert.equal(changesOf(viewer).at(-1), "last");
    assert.ok(!changesOf(viewer).includes("group's"));
    viewer.socket.end(1001);
    await clock.pass(10_000);
  }
  assert.equal(clock.pending, 0);
});

test("what the group had on its way to a worker that stood still is not lost", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const change = (data: unknown, to: (channel: FakeChannel) => boolean) =>
    realtime.emit(TOPIC, "postgres_changes", { data }, to);
  for (const isLost of [false, true]) {
    const viewer = await stage.view(TOPIC);
    viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
    await until(stage, () => realtime.channels.some(isOwn));
    const { socket } = realtime.channels.find(isShared)!.line;
    const { receive } = socket;
    const unread: string[] = [];
    socket.receive = (message) => unread.push(message as string);
    await clock.pass(2_000);
    change("late", isShared);
    change("own", isOwn);
    await clock.pass(1_500);
    assert.deepEqual(changesOf(viewer), []);
    socket.receive = receive;
    if (isLost) await clock.pass(3_000);
    else unread.forEach((message) => receive.call(socket, message));
    await clock.settle();
    assert.deepEqual(changesOf(viewer), isLost ? ["own"] : ["late", "own"]);
    viewer.socket.end(1001);
    await clock.pass(10_000);
  }
});

test("what its own socket brings late is not given a second time", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC);
  viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
  await until(stage, () => realtime.channels.length === 2);
  const own = realtime.channels.find(isOwn)!.line.socket;
  const { receive } = own;
  const late: unknown[] = [];
  own.receive = (message) => late.push(message);
  realtime.emit(TOPIC, "postgres_changes", { data: 1 });
  realtime.subscribed(realtime.channels.find(isOwn)!);
  assert.equal(late.length, 2);
  own.receive = receive;
  // The message that it is subscribed overtakes nothing, but the group was quicker.
  for (const message of late.reverse()) own.receive(message as string);
  await clock.settle();
  assert.deepEqual(changesOf(viewer), [1]);
});

test("a user is in no group: all topics of a viewer go with it", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC);
  viewer.join("realtime:second", BROADCASTS);
  await clock.settle();
  viewer.join("realtime:third");
  viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
  await until(stage, () => realtime.channels.filter(isOwn).length === 3);
  await clock.settle();
  for (const topic of [TOPIC, "realtime:second", "realtime:third"]) {
    realtime.emit(topic, "broadcast", { event: topic }, isShared);
    await clock.settle();
    assert.ok(
      !viewer.heard().includes(`broadcast ${topic}`),
      "of the group nothing comes any more",
    );
    realtime.emit(topic, "broadcast", { event: topic }, isOwn);
    await clock.settle();
    assert.equal(viewer.heard().at(-1), `broadcast ${topic}`);
  }
  viewer.join("realtime:fourth");
  await clock.settle();
  assert.ok(isOwn(realtime.channels.at(-1)!));
  await clock.pass(10_000);
  assert.equal((await stage.hub()).groups, 0);
});

test("what the join of a viewer's user replaces is not joined as that user first", async () => {
  using stage = new Stage();
  const { realtime } = stage;
  const viewer = await stage.view(TOPIC);
  const access_token = await token();
  viewer.join(TOPIC, { private: true }, access_token);
  await until(stage, () => realtime.channels.some(isOwn));
  const asUser = realtime.joins().map(({ payload }) => payload as Record<string, unknown>)
    .filter((payload) => payload.access_token === access_token);
  assert.deepEqual(asUser.map(({ config }) => config), [{ private: true }]);
});

test("a viewer that comes back as nobody is in the group again", async () => {
  using stage = new Stage();
  const { realtime } = stage;
  const viewer = await stage.view(TOPIC);
  viewer.send(TOPIC, "access_token", { access_token: await token(BOB) }, "1");
  await until(stage, () => realtime.channels.filter(isOwn).length === 1);
  viewer.send(TOPIC, "access_token", { access_token: "sb_publishable_test_key_of_a_project" }, "1");
  await until(stage, () => viewer.socket.closedWith !== undefined, 1);
  assert.equal(viewer.socket.closedWith!.code, 4401);
  const again = await stage.view(TOPIC);
  assert.deepEqual(again.heard(), ["phx_reply 1 ok", "system ok"]);
  realtime.emit(TOPIC, "postgres_changes", { data: "Bob's" }, isOwn);
  await stage.clock.settle();
  assert.deepEqual(changesOf(again), []);
});

test("who left a channel of its own is in no group before Realtime has ended that one", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC, { ...BROADCASTS, broadcast: { ack: true } });
  await stage.view(TOPIC, BROADCASTS);
  await clock.pass(10_000);
  realtime.latency = (handle) => void setTimeout(handle, 60);
  viewer.send(TOPIC, "phx_leave", {}, "1");
  viewer.join(TOPIC, BROADCASTS);
  realtime.emit(TOPIC, "broadcast", { event: "once" });
  await clock.pass(1_000);
  realtime.emit(TOPIC, "broadcast", { event: "then" });
  await clock.settle();
  const heard = viewer.heard().filter((it) => it.startsWith("broadcast"));
  assert.deepEqual(heard, ["broadcast once", "broadcast then"]);
});

test("who has sent on a topic is in no group of it again, where that may be on its way", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const [viewer] = [await stage.view(TOPIC, BROADCASTS), await stage.view(TOPIC, BROADCASTS)];
  viewer.send(TOPIC, "broadcast", { type: "broadcast", event: "mine", payload: {} }, "1");
  await clock.settle();
  viewer.send(TOPIC, "phx_leave", {}, "1");
  await clock.settle();
  viewer.join(TOPIC, BROADCASTS);
  await clock.settle();
  const [group] = realtime.channels;
  realtime.emit(TOPIC, "broadcast", { event: "mine" }, (channel) => channel === group);
  await clock.settle();
  assert.deepEqual(viewer.heard().filter((it) => it.startsWith("broadcast")), []);
});

test("a viewer that sends leaves the group first, and hears no echo", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const [viewer, other] = [await stage.view(TOPIC), await stage.view(TOPIC)];
  realtime.holdsSystem = true;
  viewer.send(TOPIC, "broadcast", { type: "broadcast", event: "one", payload: {} }, "1");
  viewer.send(TOPIC, "broadcast", { type: "broadcast", event: "two", payload: {} }, "1");
  await clock.settle();
  assert.ok(!other.heard().includes("broadcast one"), "its own channel is not there yet");
  realtime.subscribed(realtime.channels.at(-1)!);
  await clock.settle();
  assert.deepEqual(other.heard().slice(-2), ["broadcast one", "broadcast two"]);
  other.send(TOPIC, "broadcast", { type: "broadcast", event: "three", payload: {} }, "1");
  await clock.settle();
  realtime.subscribed(realtime.channels.at(-1)!);
  await clock.settle();
  assert.deepEqual(viewer.heard(), ["phx_reply 1 ok", "system ok", "broadcast three"]);
  assert.equal(realtime.joins().length, 3);
});

test("a token that may not read the topic ends the channel, as Realtime does", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC);
  realtime.judge = () => "Unauthorized: no";
  viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
  await until(stage, () => viewer.frames.length === 4);
  assert.deepEqual(viewer.heard().slice(2), ["system error", "phx_close 1"]);
  realtime.emit(TOPIC, "postgres_changes", { data: 1 });
  await clock.settle();
  assert.deepEqual(changesOf(viewer), []);
  await clock.pass(10_000);
  assert.equal((await stage.hub()).groups, 0);
});

test("a subscription that fails for the user is told, and the group is left", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC);
  realtime.holdsSystem = true;
  viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
  await until(stage, () => realtime.channels.length === 2);
  realtime.system(realtime.channels.find(isOwn)!, {
    extension: "postgres_changes",
    status: "error",
  });
  await clock.settle();
  realtime.emit(TOPIC, "postgres_changes", { data: 1 }, isShared);
  await clock.settle();
  assert.deepEqual(viewer.heard().slice(2), ["system error"]);
});

test("a move that takes too long, or must keep too much, ends the socket", async () => {
  for (const size of [0, 70_000]) {
    using stage = new Stage({ RELAY_MAX_UNSENT_BYTES: "65536" });
    const { realtime, clock } = stage;
    const viewer = await stage.view(TOPIC);
    realtime.judge = () => null;
    viewer.send(TOPIC, "access_token", { access_token: await token() }, "1");
    await until(stage, () => realtime.joins().length === 2);
    if (size > 0) realtime.emit(TOPIC, "postgres_changes", { data: "x".repeat(size / 2) });
    if (size > 0) realtime.emit(TOPIC, "postgres_changes", { data: "x".repeat(size / 2) });
    await clock.pass((size > 0 ? 0 : 10_000) + CLOSE_MS);
    assert.equal(viewer.socket.closedWith?.code, 4502);
    await clock.pass(6_000);
    assert.equal(clock.pending, 0);
  }
});

test("a user whose token expires is closed, and gets no more of the group either", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const viewer = await stage.view(TOPIC);
  const short = await sign({ exp: inSeconds(100) });
  viewer.send(TOPIC, "access_token", { access_token: short }, "1");
  await until(stage, () => realtime.channels.some(isOwn));
  await clock.pass(25_000);
  viewer.send("phoenix", "heartbeat");
  await clock.pass(80_000);
  assert.equal(viewer.socket.closedWith!.code, 4401);
  const { length } = viewer.frames;
  realtime.emit(TOPIC, "postgres_changes", { data: 1 });
  await clock.settle();
  assert.equal(viewer.frames.length, length);
});
