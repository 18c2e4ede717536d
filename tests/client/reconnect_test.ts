import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { backoff } from "../../client/backoff.ts";
import { inTime } from "../support/in_time.ts";
import type { RelaySocket } from "../../client/socket.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";

Deno.test("the wait doubles from 1 s to 30 s, and all of it is chance", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 100].map((attempt) => backoff(attempt, 1));
  assert.deepEqual(longest, [1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1_000));
  assert.equal(backoff(5, 0), 0);
});

Deno.test("a lost socket is dialled again without end, and the application sees none of it", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  first.refuse(1006, "");
  assert.equal(face.readyState, face.OPEN);
  for (let attempt = 0; attempt < 12; attempt++) {
    const { retryAt } = world.transport.status;
    assert.equal(retryAt! - world.now, backoff(attempt, 0.5));
    await world.pass(retryAt! - world.now);
    assert.equal(world.sockets.length, attempt + 2);
    world.socket.refuse(1006, "");
  }
  await world.pass(15_000);
  world.socket.open();
  await world.settle();
  assert.equal(world.transport.status.state, "live");
  assert.deepEqual(world.socket.out("phx_join").map(({ topic }) => topic), [TOPIC]);
  assert.deepEqual(frames.map(({ event }) => event), ["phx_reply", "system"]);
  assert.equal(frames[1].payload.status, "gap");
  face.close();
  assert.equal(world.transport.status.state, "closed");
  assert.equal(world.timers, 0);
});

Deno.test("who was live for 5 s begins anew with the waits, and who was for less does not", async () => {
  const world = new ScriptedWorld({ token: () => token("alice") });
  const { face, first } = await world.live();
  const lost = async (livedMs: number) => {
    await world.pass(livedMs);
    world.socket.refuse(1006, "");
    const wait = world.transport.status.retryAt! - world.now;
    await world.pass(wait);
    world.socket.open();
    await world.settle();
    assert.equal(world.transport.status.state, "live");
    return wait;
  };
  const waits = [];
  for (const livedMs of [0, 4_000, 4_000, 6_000, 0]) waits.push(await lost(livedMs));
  assert.deepEqual(waits, [0, 1, 2, 0, 1].map((attempt) => backoff(attempt, 0.5)));
  assert.equal(first.readyState, 3);
  face.close();
});

Deno.test("a socket that never answers is given up", async () => {
  const world = new ScriptedWorld();
  const { face } = await world.live();
  world.socket.refuse(1006, "");
  await world.pass(1_000);
  const mute = world.socket;
  mute.answers = false;
  mute.open();
  await world.pass(14_000);
  assert.equal(world.socket, mute);
  await world.pass(4_000);
  assert.notEqual(world.socket, mute);
  assert.equal(mute.readyState, 3);
  face.close();
});

Deno.test("retry() dials where nothing is on its way, and nothing where it is closed", async () => {
  const world = new ScriptedWorld();
  world.transport.retry();
  const { face } = world.connect();
  await world.settle();
  world.transport.retry();
  await world.settle();
  assert.equal(world.sockets.length, 1);
  world.socket.open();
  await world.settle();
  assert.equal(world.transport.status.state, "live");
  face.close();
});

for (const why of ["online", "visible"] as const) {
  Deno.test(`it dials at once when the ${why} event comes`, async () => {
    const world = new ScriptedWorld();
    const { face, first } = await world.live();
    world.offline = true;
    first.refuse(1006, "");
    assert.equal(world.transport.status.state, "offline");
    world.wake(why);
    await world.settle();
    assert.equal(world.sockets.length, 2);
    face.close();
  });
}

Deno.test("a socket that died in its sleep is found out when the page is visible again", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  world.wake("visible");
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1, "one that answers stays");
  first.answers = false;
  world.join(face, "realtime:other", {}, "2");
  world.wake("visible");
  // A join went out on it just now, which Realtime may take 5 s to refuse: a second more.
  await world.pass(7_000);
  assert.equal(world.sockets.length, 2);
  face.close();
});

Deno.test("a heartbeat that nobody answers ends the socket, not the application's channels", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  first.answers = false;
  world.push(face, { ref: "7", topic: "phoenix", event: "heartbeat", payload: {} });
  await world.pass(10_000);
  assert.deepEqual(frames.filter(({ ref }) => ref === "7").map(({ payload }) => payload.status), [
    "ok",
  ]);
  assert.equal(world.statuses.at(-1)!.state, "reconnecting");
  face.close();
});

Deno.test("realtime-js goes on over heartbeats that the transport has answered itself", async () => {
  const world = new ScriptedWorld();
  const supabase = createClient("https://abc.supabase.co", "sb_publishable_x", {
    realtime: { transport: world.transport as never, heartbeatIntervalMs: 30 },
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const [statuses, heartbeats]: string[][] = [[], []];
  const answered = (count: number) =>
    inTime(
      new Promise<void>((go) => {
        supabase.realtime.onHeartbeat((status) => heartbeats.push(status) >= count && go());
      }),
      `${count} heartbeats`,
    );
  const subscribed = new Promise<void>((go) =>
    supabase.channel("room").subscribe((status) => {
      statuses.push(status);
      go();
    })
  );
  await world.settle();
  world.socket.open();
  await inTime(subscribed, "subscribed");
  world.socket.refuse(1006, "");
  await answered(4);
  await world.pass(1_000);
  const { socket } = world;
  socket.open();
  await world.settle();
  assert.equal(world.transport.status.state, "live");
  socket.answers = false;
  const send = socket.send.bind(socket);
  // As over a network: not before the next timer.
  socket.send = (data) => {
    send(data);
    const frame = socket.frames.at(-1)!;
    setTimeout(() => socket.reply(frame, { status: "ok", response: {} }), 5);
  };
  await answered(heartbeats.length + 6);
  assert.ok(!heartbeats.includes("timeout"), heartbeats.join());
  assert.deepEqual(statuses, ["SUBSCRIBED"]);
  await supabase.realtime.disconnect();
});

Deno.test("a push that meets a closing socket waits for the next one", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  first.readyState = 2;
  world.push(face, {
    ...{ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast" },
    payload: { type: "broadcast", event: "e", payload: 1 },
  });
  first.refuse(1006, "");
  await world.pass(1_000);
  world.socket.open();
  await world.settle();
  assert.equal(world.socket.out("broadcast").length, 1);
  face.close();
});

Deno.test("a gap that the relay tells of is caught up within seconds", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  const payload = { extension: "relay", status: "gap", from: 1, to: 2 };
  first.bring({ topic: TOPIC, event: "system", payload });
  assert.equal(frames.some(({ event }) => event === "system"), false);
  await world.pass(5_000);
  const gaps = frames.filter(({ event }) => event === "system");
  assert.deepEqual(gaps.map(({ payload }) => payload.status), ["gap"]);
  face.close();
});

Deno.test("the state outlives the heartbeat timeout of realtime-js and the back/forward cache, and ends with close()", async () => {
  const world = new ScriptedWorld();
  const { face } = await world.live();
  face.close(1000, "heartbeat timeout");
  const again = await world.live();
  const gaps = (frames: { event: string }[]) => frames.filter(({ event }) => event === "system");
  assert.equal(gaps(again.frames).length, 1, "what came in between may be missing");
  world.away = true;
  again.face.close();
  world.away = false;
  const back = await world.live();
  assert.equal(gaps(back.frames).length, 1, "a page that was put away is as well told");
  back.face.close();
  const fresh = await world.live();
  assert.equal(gaps(fresh.frames).length, 0);
  fresh.face.close();
});

Deno.test("the state outlives a socket that realtime-js gives up before it is open", async () => {
  const world = new ScriptedWorld();
  const { face } = await world.live();
  world.away = true;
  face.close();
  world.away = false;
  // Somebody looks at the page while it is dialled: @supabase/phoenix closes the socket and makes another.
  world.connect().face.close();
  await world.settle();
  const { face: back, frames } = await world.live();
  assert.equal(frames.filter(({ event }) => event === "system").length, 1);
  back.close();
});

Deno.test("a socket of a page that is put away, or is not open yet, is closed at once, whatever waits to be sent", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  first.refuse(1006, "");
  const payload = { type: "broadcast", event: "e", payload: 1 };
  world.push(face, { join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast", payload });
  assert.notEqual(face.bufferedAmount, 0);
  // @supabase/phoenix waits for it, up to 1.5 s, while the page is frozen: then it is not away any more.
  world.away = true;
  assert.equal(face.bufferedAmount, 0);
  face.close();
  world.away = false;
  // The same of one that is dialled: it would be open by then, and its close the application's.
  const back = world.connect().face;
  assert.equal(back.bufferedAmount, 0);
  back.close();
});

Deno.test("two clients of one transport come back from the back/forward cache each to its own state", async () => {
  const world = new ScriptedWorld();
  const topics = ["realtime:one", "realtime:two"];
  for (const isBack of [false, true]) {
    const faces: RelaySocket[] = [];
    // realtime-js hears of the page in the order in which the clients were made.
    for (const topic of topics) {
      const { face, frames } = await world.live(topic);
      faces.push(face);
      const gaps = frames.filter(({ event }) => event === "system");
      assert.equal(gaps.length, isBack ? 1 : 0, `${topic}: what came in between may be missing`);
    }
    world.away = !isBack;
    for (const face of faces) face.close();
    world.away = false;
  }
});

const ended = {
  "and not to that of a client that has ended": (world: ScriptedWorld) =>
    world.live("realtime:one"),
  "nor to that of one that ended before it was connected": (world: ScriptedWorld) =>
    world.connect(),
};
for (const [what, begin] of Object.entries(ended)) {
  Deno.test(what, async () => {
    const world = new ScriptedWorld();
    const { face: over } = await begin(world);
    const away = await world.live("realtime:two");
    over.close();
    world.away = true;
    away.face.close();
    world.away = false;
    const { face, frames } = await world.live("realtime:two");
    assert.equal(frames.filter(({ event }) => event === "system").length, 1);
    face.close();
  });
}

Deno.test("a topic with a line end is caught up like another", async () => {
  const topic = "realtime:a\nb";
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live(topic);
  first.bring({ topic, event: "system", payload: { extension: "relay", status: "gap" } });
  first.bring({ topic, event: "broadcast", payload: { event: "e", payload: 1 } });
  await world.pass(5_000);
  assert.deepEqual(frames.slice(1).map(({ event }) => event), ["system", "broadcast"]);
  face.close();
});

Deno.test("a clock that is set back keeps nothing waiting", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  first.refuse(1006, "");
  await world.pass(100);
  world.setClock(-3_600_000);
  await world.pass(1_000);
  assert.equal(world.sockets.length, 2, "it is dialled again");
  world.socket.open();
  await world.pass(1_000);
  assert.equal(world.transport.status.state, "live");
  face.close();
});
