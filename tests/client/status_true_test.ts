import assert from "node:assert/strict";
import type { CatchUp } from "../../client/catch_up.ts";
import { relayTransport } from "../../client/mod.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast, change, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const ADDRESS = "wss://abc.supabase.co/realtime/v1/websocket?apikey=sb_publishable_x&vsn=2.0.0";

Deno.test("after a sign-out no token leaves but one that token() gave", async () => {
  const alice = token("alice");
  let current: string | null = alice;
  const world = new ScriptedWorld({ token: () => current });
  const { face } = await world.live(TOPIC, { private: true }, alice);
  current = null;
  world.push(face, {
    ...{ join_ref: "1", ref: "3", topic: TOPIC, event: "access_token" },
    payload: { access_token: null },
  });
  await world.settle();
  world.socket.open();
  await world.settle();
  const { socket } = world;
  socket.bring({ join_ref: "1", topic: TOPIC, event: "phx_close", payload: {}, ref: "1" });
  // Older SDKs keep the token in the join.
  world.join(face, TOPIC, { private: true }, "5", alice);
  await world.pass(1_000);
  const tokens = world.sockets.slice(1).flatMap(({ token, frames }) => [
    token,
    ...frames.map(({ payload }) => payload.access_token),
  ]);
  assert.ok(!tokens.includes(alice), "alice's token went out");
  assert.ok(socket.out("phx_join").length >= 2, "and the join does, without it");
  face.close();
});

for (const isFinal of [false, true]) {
  Deno.test(`a live event waits for seconds where a table cannot be read, and the gap says why: ${isFinal ? "for good" : "hangs"}`, async () => {
    let reads = 0;
    const catchUp: CatchUp = {
      ...{ schema: "public", table: "url_clicks", key: "id", time: "at", overlapMs: 30_000 },
      // deno-lint-ignore require-yield
      async *read() {
        reads++;
        if (isFinal) throw Object.assign(new Error("PGRST106"), { isFinal });
        await new Promise(() => {});
      },
    };
    const world = new ScriptedWorld({ catchUp: [catchUp] });
    const { face, frames, first } = await world.live();
    // What it has carried tells that it has Postgres Changes.
    first.answers = false;
    world.join(face, "realtime:rows", {}, "4");
    const binding = { id: 11, event: "INSERT", schema: "public", table: "url_clicks" };
    const response = { postgres_changes: [binding] };
    const ready = (socket: ScriptedWorld["socket"]) => {
      const join = socket.out("phx_join").find(({ topic }) => topic === "realtime:rows")!;
      socket.reply(join, { status: "ok", response });
      const payload = { extension: "postgres_changes", status: "ok", message: "Subscribed" };
      socket.bring({ topic: "realtime:rows", event: "system", payload });
    };
    ready(first);
    first.refuse(1006, "");
    await world.pass(1_000);
    world.socket.answers = false;
    world.socket.open();
    await world.settle();
    world.socket.reply(world.socket.out("heartbeat")[0], { status: "ok", response: {} });
    await world.settle();
    ready(world.socket);
    world.socket.bring(change("realtime:rows", [11], "INSERT", { id: 1 }));
    await world.pass(isFinal ? 100 : 10_000);
    assert.equal(frames.filter(({ event }) => event === "postgres_changes").length, 1);
    const told = JSON.stringify(frames.filter(({ event }) => event === "system"));
    if (isFinal) {
      assert.match(told, /The catch-up of public\.url_clicks fails: PGRST106/);
      assert.equal(reads, 1, "what cannot succeed is not repeated");
    } else assert.match(told, /takes too long/);
    face.close();
  });
}

for (const how of ["throws", "is closed at once"]) {
  Deno.test(`a socket that may not be made is named for what it is, and not dialled for ever: it ${how}`, async () => {
    await forbidden(how === "throws");
  });
}

async function forbidden(throws: boolean): Promise<void> {
  let made = 0;
  const world = new ScriptedWorld();
  class Forbidden {
    readyState = 3;
    constructor() {
      made++;
      if (throws) throw new DOMException("no", "SecurityError");
    }
  }
  const statuses: string[] = [];
  const transport = relayTransport({
    relay: "https://relay.test/functions/v1/relay",
    onstatus: ({ state, reason }) => statuses.push(`${state} ${reason}`),
    host: { WebSocket: Forbidden as never, setTimeout: () => 0, now: () => world.now },
  });
  const face = new transport(ADDRESS);
  await world.settle();
  assert.match(statuses.at(-1)!, /^refused .*Content-Security-Policy forbids this socket/);
  assert.equal(made, 1);
  transport.retry();
  await world.settle();
  assert.equal(made, 2);
  face.close();
}

Deno.test("a token is trimmed, and one that is none is named", async () => {
  const world = new ScriptedWorld({ token: () => ` ${token("alice")}\n` });
  const { face } = await world.live();
  assert.equal(world.socket.token, token("alice"));
  face.close();
  const other = new ScriptedWorld({ token: () => "Bearer a.b.c" });
  other.connect();
  await other.settle();
  const { state, reason } = other.transport.status;
  assert.match(`${state} ${reason}`, /^refused token\(\) gives what is no token/);
  assert.equal(other.sockets.length, 0);
});

Deno.test("two clients of one transport have a session each", async () => {
  const world = new ScriptedWorld();
  const one = await world.live("realtime:one");
  const two = await world.live("realtime:two");
  assert.equal(world.sockets.length, 2);
  two.first.bring(broadcast("realtime:two", 2));
  one.first.bring(broadcast("realtime:one", 1));
  const heard = ({ frames }: typeof one) =>
    frames.filter(({ event }) => event === "broadcast").map(({ payload }) => payload.payload);
  assert.deepEqual([heard(one), heard(two)], [[1], [2]]);
  one.face.close();
  assert.equal(world.transport.status.state, "live", "the other goes on");
  two.face.close();
  assert.equal(world.timers, 0);
});

Deno.test("Realtime itself judges its tokens, whatever this machine's clock says", async () => {
  const relay = "https://abc.supabase.co/realtime/v1";
  const world = new ScriptedWorld({ relay, token: () => token("alice", 600) });
  const { face } = await world.live();
  assert.equal(world.sockets.length, 1);
  assert.equal(world.transport.status.state, "live");
  face.close();
});

Deno.test("nor whatever it has said once: retry() tries the token", async () => {
  const relay = "https://abc.supabase.co/realtime/v1";
  const world = new ScriptedWorld({ relay, token: () => token("alice", 100_000) });
  const { face, first } = await world.live();
  world.setClock(200_000_000);
  await world.pass(10_000);
  world.setClock(-200_000_000);
  await world.pass(10_000);
  first.refuse(1006, "");
  await world.pass(1_000);
  assert.equal(world.transport.status.state, "refused");
  world.transport.retry();
  await world.settle();
  assert.equal(world.sockets.length, 2);
  face.close();
});

Deno.test("a token that ends is asked for again until there is a newer one", async () => {
  const [old, fresh] = [token("alice", 1_060), token("alice", 1_120)];
  let current = old;
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  const notice = { extension: "relay", status: "token_expiring", deadline_ms: 30_000 };
  first.bring({ topic: "phoenix", event: "system", payload: notice });
  await world.pass(20_000);
  current = fresh;
  await world.pass(6_000);
  assert.deepEqual(first.out("access_token").map(({ payload }) => payload.access_token), [fresh]);
  const { timers } = world;
  await world.pass(60_000);
  assert.equal(first.out("access_token").length, 1);
  assert.ok(timers <= 1);
  face.close();
});

Deno.test("a dial that hangs is dropped when the network is back", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  first.refuse(1006, "");
  await world.pass(3_000);
  const hung = world.socket;
  assert.equal(hung.readyState, 0);
  world.wake("online");
  await world.settle();
  assert.notEqual(world.socket, hung);
  assert.equal(hung.readyState, 3);
  world.wake("visible");
  await world.settle();
  assert.equal(world.sockets.length, 3, "and a fresh one is not");
  face.close();
});

Deno.test("the status tells the channels, and why the socket was lost", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  assert.deepEqual(world.transport.status.channels, [{ channel: "room", state: "joined" }]);
  first.refuse(1006, "");
  const { reason, channels } = world.transport.status;
  assert.equal(reason, "The connection was cut.");
  assert.deepEqual(channels, [{ channel: "room", state: "joining" }]);
  await world.pass(1_000);
  world.socket.refuse(1006, "");
  assert.match(world.transport.status.reason!, /down or unreachable/);
  face.close();
});

Deno.test("a channel that stays refused is in the status, and why, until it is left", async () => {
  const world = new ScriptedWorld();
  const { face, first } = await world.live();
  first.answers = false;
  world.join(face, "realtime:closed", {}, "2");
  await world.settle();
  const reason = "Unauthorized: You do not have permissions to read from this Channel topic";
  const join = first.out("phx_join").at(-1)!;
  first.reply(join, { status: "error", response: { reason } });
  const standing = () =>
    world.transport.status.channels!.map(({ channel, state, reason }) => [channel, state, reason]);
  assert.deepEqual(standing(), [
    ["room", "joined", undefined],
    ["closed", "refused", reason],
  ]);
  world.push(face, { ...join, ref: "3", event: "phx_leave", payload: {} });
  assert.deepEqual(standing(), [["room", "joined", undefined]]);
  face.close();
});

for (const code of [0, 1006]) {
  Deno.test(`a dial that fails, and a line that is cut, are named where the runtime says ${code}`, async () => {
    const world = new ScriptedWorld();
    const { face } = world.connect();
    await world.settle();
    world.socket.refuse(code, "");
    assert.match(world.transport.status.reason!, /^The socket could not be opened: /);
    await world.pass(1_000);
    world.socket.open();
    await world.settle();
    world.socket.refuse(code, "");
    assert.equal(world.transport.status.reason, "The connection was cut.");
    face.close();
  });
}
