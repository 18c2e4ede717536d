import assert from "node:assert/strict";
import type { CatchUp } from "../../client/catch_up.ts";
import type { Frame } from "../../client/frame.ts";
import { BINDING, broadcast, change, clicks, SessionRig } from "./support/session_rig.ts";
import { type ScriptedSocket, ScriptedWorld } from "./support/scripted_server.ts";

const TOPIC = "realtime:room";
const keys = (frames: Frame[]) =>
  frames.map(({ payload }) => (payload as { data: { record: { id: number } } }).data.record.id);

Deno.test("make before break: each event once and in order, though both sockets carry it", () => {
  const rig = new SessionRig("2.0.0", [clicks]);
  const old = rig.live();
  rig.join(TOPIC, { broadcast: { self: false } });
  rig.joined(old, TOPIC, [BINDING]);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 1 }));
  const next = rig.next();
  assert.equal(rig.out(next, "phx_join").length, 1);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 2 }));
  rig.joined(next, TOPIC, [{ ...BINDING, id: 12 }]);
  for (const link of [old, next]) {
    const id = link === old ? 11 : 12;
    rig.bring(link, change(TOPIC, [id], "INSERT", { id: 3 }));
    rig.bring(link, change(TOPIC, [id], "UPDATE", { id: 3 }));
    rig.bring(link, broadcast(TOPIC, "same"));
    rig.bring(link, broadcast(TOPIC, "same"));
  }
  rig.bring(next, change(TOPIC, [12], "INSERT", { id: 4 }));
  assert.equal(rig.session.active, old, "the old one first answers for what it has in flight");
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 5 }));
  rig.bring(next, change(TOPIC, [12], "INSERT", { id: 5 }));
  rig.bring(next, broadcast(TOPIC, "same"));
  const inserts = rig.events("postgres_changes").filter(({ payload }) =>
    (payload.data as { type: string }).type === "INSERT"
  );
  assert.deepEqual(keys(inserts), [1, 2, 3, 4, 5]);
  assert.equal(rig.events("postgres_changes").length, 6, "one UPDATE");
  assert.equal(rig.events("broadcast").length, 3, "two of one content, then a third");
  assert.deepEqual(rig.events("system").length, 1, "Subscribed; no gap");
  assert.equal(rig.events("phx_reply").length, 1);
});

Deno.test("what the application sends during a handover does not come back to it", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.push({
    join_ref: "1",
    ref: "2",
    topic: TOPIC,
    event: "broadcast",
    payload: { type: "broadcast", event: "e", payload: { b: 1, a: 2 } },
  });
  rig.bring(next, broadcast(TOPIC, { a: 2, b: 1 }));
  rig.answerOwn(old);
  assert.deepEqual(rig.events("broadcast"), []);
  rig.bring(next, broadcast(TOPIC, { a: 2, b: 1 }));
  assert.equal(rig.events("broadcast").length, 1, "the same from somebody else");
});

Deno.test("nor does what waited until it was known who is signed in", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.doubt(old);
  const payload = { type: "broadcast", event: "e", payload: { a: 1 } };
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast", payload });
  assert.equal(rig.out(old, "broadcast").length, 0);
  rig.settle(old);
  rig.settle(next);
  assert.equal(rig.out(old, "broadcast").length, 1);
  rig.bring(next, broadcast(TOPIC, { a: 1 }));
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  assert.deepEqual(rig.events("broadcast"), []);
});

Deno.test("an old socket that dies before the switch leaves a gap, and its successor goes on", async () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.lose(old);
  rig.switch(next);
  assert.equal(rig.session.active, next);
  await rig.settle();
  assert.deepEqual(rig.events("system").map(({ payload }) => payload.status), ["gap"]);
});

Deno.test("the drain notice: the next socket is subscribed before the old one goes", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  const notice = { extension: "relay", status: "drain", deadline_ms: 10_000 };
  first.bring({ topic: "phoenix", event: "system", payload: notice });
  await world.pass(2_000);
  const next = world.socket;
  assert.notEqual(next, first);
  next.open();
  await world.settle();
  assert.equal(next.out("phx_join").length, 1);
  first.bring(broadcast(TOPIC, "late on the old one"));
  next.bring(broadcast(TOPIC, "on the new one"));
  assert.deepEqual(frames.filter(({ event }) => event === "broadcast").length, 1);
  assert.deepEqual(world.states, ["connecting", "live", "live"]);
  await world.pass(3_000);
  assert.equal(first.readyState, 3);
  assert.deepEqual(frames.filter(({ event }) => event === "system"), [], "no gap");
  face.close();
});

Deno.test("before a known wall clock it moves by itself", async () => {
  const world = new ScriptedWorld({ wallClockMs: 100_000 });
  const { face } = await world.live();
  await world.pass(34_000);
  assert.equal(world.sockets.length, 1);
  await world.pass(6_000);
  assert.equal(world.sockets.length, 2);
  face.close();
});

/** The relay's word that the worker ends, and the move that follows. */
async function drain(world: ScriptedWorld, socket: ScriptedSocket): Promise<void> {
  const payload = { extension: "relay", status: "drain", deadline_ms: 1_000 };
  socket.bring({ topic: "phoenix", event: "system", payload });
  await world.pass(1_000);
}

for (const code of [4503, 4403, 4401]) {
  Deno.test(`a next socket that is refused with ${code} leaves the old one alone, and is tried again`, async () => {
    const world = new ScriptedWorld();
    const { face, first } = await world.live();
    await drain(world, first);
    world.socket.refuse(code, "refused: Later.");
    assert.equal(world.transport.status.state, "live");
    await world.pass(2_000);
    assert.equal(world.sockets.length, 3);
    first.refuse(1012, "");
    world.socket.open();
    await world.settle();
    assert.equal(world.transport.status.state, "live");
    assert.equal(world.socket.out("phx_join").length, 1);
    face.close();
  });
}

Deno.test("nor does a next socket that cannot be made take joins from the old one", async () => {
  let current: string | null = null;
  const world = new ScriptedWorld({ token: () => current });
  const { face, frames, first } = await world.live();
  first.answers = false;
  world.join(face, "realtime:late", {}, "5");
  current = "Bearer a.b.c";
  await drain(world, first);
  assert.equal(world.transport.status.state, "live");
  first.reply(first.out("phx_join").at(-1)!, { status: "ok", response: {} });
  assert.deepEqual(frames.map(({ payload }) => payload.status), ["ok", "ok"]);
  current = null;
  await world.pass(2_000);
  assert.equal(world.sockets.length, 2);
  face.close();
});

Deno.test("who disconnects as the old socket dies is joined on the one that it connects then", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live(TOPIC, { broadcast: { ack: true } });
  await drain(world, first);
  const next = world.socket;
  first.answers = next.answers = false;
  next.open();
  next.reply(next.out("heartbeat")[0], { status: "ok", response: {} });
  world.push(face, {
    ...{ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast" },
    payload: { type: "broadcast", event: "e", payload: 1 },
  });
  // What it hears is that nobody knows whether the push arrived.
  face.onmessage = () => face.close();
  first.refuse(1012, "");
  assert.equal(world.transport.status.state, "closed");
  const again = await world.live();
  assert.equal(again.first.out("phx_join").length, 1);
  again.face.close();
});

Deno.test("two moves within seconds leave one socket open", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  const move = async (from: ScriptedSocket) => {
    await drain(world, from);
    world.socket.open();
    await world.settle();
    return world.socket;
  };
  const second = await move(first);
  const third = await move(second);
  await world.pass(5_000);
  assert.deepEqual([first, second, third].map(({ readyState }) => readyState), [3, 3, 1]);
  face.close();
});

Deno.test("what waits on the old socket for a table that is read comes before the move", async () => {
  const reading = Promise.withResolvers<void>();
  const slow: CatchUp = {
    ...clicks,
    async *read() {
      await reading.promise;
      yield [];
    },
  };
  const rig = new SessionRig("2.0.0", [slow]);
  const first = rig.live();
  rig.join(TOPIC);
  rig.joined(first, TOPIC, [BINDING]);
  rig.lose(first);
  const old = rig.live();
  rig.joined(old, TOPIC, [BINDING]);
  rig.bring(old, change(TOPIC, [11], "INSERT", { id: 1 }));
  const next = rig.next();
  rig.joined(next, TOPIC, [BINDING]);
  assert.equal(rig.out(old, "heartbeat").length, 0, "it is not asked for its last answer yet");
  reading.resolve();
  for (let i = 0; i < 20; i++) await rig.settle();
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  assert.deepEqual(keys(rig.events("postgres_changes")), [1]);
});

Deno.test("what the old socket alone has brought is a new event when it comes again later", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.bring(old, broadcast(TOPIC, "same"));
  rig.joined(next, TOPIC);
  rig.answerOwn(old);
  rig.time += 2_000;
  rig.tell({ is: "due" });
  rig.answerOwn(next);
  rig.bring(next, broadcast(TOPIC, "same"));
  assert.equal(rig.events("broadcast").length, 2);
});

Deno.test("what the next socket holds too much of the old one has brought: no gap is told", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.bring(next, { topic: TOPIC, event: "presence_diff", payload: {} });
  for (let n = 0; n < 10_000; n++) rig.bring(next, broadcast(TOPIC, n));
  assert.equal(next.held.length, 10_000);
  rig.answerOwn(old);
  assert.equal(rig.events("broadcast").length, 10_000);
  assert.deepEqual(rig.events("system"), []);
});

Deno.test("a topic that is joined while the next socket stands is joined there, and misses nothing", async () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.join("realtime:new", {}, "2");
  rig.join("realtime:late", {}, "3");
  rig.joined(old, "realtime:new", [], "2");
  assert.deepEqual(rig.out(next, "phx_join").map(({ ref }) => ref), ["1", "2"]);
  rig.joined(next, TOPIC);
  rig.joined(next, "realtime:new", [], "2");
  rig.answerOwn(old);
  assert.equal(rig.session.active, next);
  rig.joined(next, "realtime:late", [BINDING], "3");
  await rig.settle();
  assert.deepEqual(rig.events("system").filter(({ payload }) => payload.status === "gap"), []);
});

Deno.test("a next socket is waited for while its joins are answered, and not where it is lost", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC, [BINDING]);
  const pass = () => {
    rig.time += 10_000;
    rig.tell({ is: "due" });
  };
  const lost = rig.next();
  rig.lose(lost);
  pass();
  assert.ok(!rig.asked.includes("closed"));
  const next = rig.next();
  const payload = { status: "ok", response: { postgres_changes: [BINDING] } };
  rig.bring(next, { join_ref: "1", ref: "1", topic: TOPIC, event: "phx_reply", payload });
  pass();
  assert.ok(!rig.asked.includes("closed"), "it is not subscribed yet");
  rig.next();
  pass();
  assert.equal(rig.asked.at(-1), "closed", "nobody answers");
});

Deno.test("what the old socket says of its topics after the move means nothing", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.answerOwn(old);
  rig.bring(old, { ref: "1", topic: TOPIC, event: "phx_error", payload: {} });
  rig.time += 10_000;
  rig.tell({ is: "due" });
  assert.equal(rig.out(old, "phx_join").length, 1);
  assert.deepEqual(rig.session.standings.map(({ state }) => state), ["joined"]);
});

Deno.test("what is pushed while no socket carries leaves on the one that takes over", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  rig.joined(next, TOPIC);
  rig.lose(old);
  const payload = { type: "broadcast", event: "e", payload: 1 };
  rig.push({ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast", payload });
  rig.switch(next);
  assert.equal(rig.out(next, "broadcast").length, 1);
});

Deno.test("a topic that the next socket is refused for good is told when that has taken over", () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC);
  const next = rig.next();
  const refuse = () => {
    const join = rig.out(next, "phx_join").at(-1)!;
    const payload = { status: "error", response: { reason: "Unauthorized: You may not." } };
    rig.bring(next, { ...join, event: "phx_reply", payload });
    rig.time = Math.min(rig.dueAt, rig.time + 30_000);
    rig.tell({ is: "due" });
  };
  while (rig.out(old, "heartbeat").length < 1) refuse();
  assert.deepEqual(rig.events("phx_error"), []);
  const tries = rig.out(next, "phx_join").length;
  rig.answerOwn(old);
  rig.tell({ is: "due" });
  assert.equal(rig.out(next, "phx_join").length, tries + 1, "once more");
  refuse();
  const [{ payload }] = rig.events("phx_error");
  assert.equal(payload.reason, "Unauthorized: You may not.");
});

Deno.test("where changes have stopped on the old socket they flow on the next one, behind a gap", async () => {
  const rig = new SessionRig();
  const old = rig.live();
  rig.join(TOPIC);
  rig.joined(old, TOPIC, [BINDING]);
  const from = rig.time - 10_000;
  const stopped = { extension: "postgres_changes", status: "error", message: "Stopped." };
  rig.bring(old, { join_ref: "1", topic: TOPIC, event: "system", payload: stopped });
  assert.equal(rig.session.standings[0].reason, "Stopped.");
  rig.time += 60_000;
  const next = rig.next();
  rig.joined(next, TOPIC, [BINDING]);
  rig.answerOwn(old);
  await rig.settle();
  assert.equal(rig.session.standings[0].reason, undefined);
  assert.deepEqual(rig.events("system").at(-1)!.payload.from, from);
});
