import assert from "node:assert/strict";
import { backoff } from "../../client/backoff.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const EXPIRED = "token_expired: Refresh the session, then connect with the new token.";
const errors = (frames: { event: string; payload: Record<string, unknown> }[]) =>
  frames.filter(({ event, payload }) => event === "phx_reply" && payload.status === "error");

for (const code of [4400, 4403, 4409]) {
  Deno.test(`${code}: nothing is dialled until it could help, and joins hear why`, async () => {
    const world = new ScriptedWorld({ token: () => "same" });
    const { face, frames, first } = await world.live();
    first.refuse(code, "role_forbidden: Use another account.");
    await world.pass(600_000);
    world.wake("online");
    await world.settle();
    assert.equal(world.sockets.length, 1);
    const { state, reason, relay } = world.transport.status;
    assert.deepEqual([state, reason], ["refused", "role_forbidden: Use another account."]);
    assert.equal(relay, "wss://relay.test/functions/v1/relay/websocket");
    assert.equal(face.readyState, face.OPEN);
    world.join(face, "realtime:other", {}, "5");
    assert.match(JSON.stringify(errors(frames)[0].payload), /role_forbidden/);
    world.transport.retry();
    await world.settle();
    assert.equal(world.sockets.length, 2);
    face.close();
  });
}

Deno.test("what token() gives is a token, or none, or said to be no token", async () => {
  const session = { access_token: token("alice") };
  const given: [unknown, string][] = [
    [session, "refused"],
    [{ data: { session } }, "refused"],
    [undefined, "connecting"],
    [null, "connecting"],
    ["", "connecting"],
  ];
  for (const [value, expected] of given) {
    const world = new ScriptedWorld({ token: () => value as string });
    const { face } = world.connect();
    await world.settle();
    const { state, reason = "" } = world.transport.status;
    assert.equal(state, expected);
    assert.equal(reason.startsWith("token() gives what is no token: "), expected === "refused");
    face.close();
  }
});

Deno.test("4401: it waits for another token, then joins anew what was refused", async () => {
  let current = token("alice", 1_000);
  const world = new ScriptedWorld({ token: () => current });
  const { face, frames, opened } = world.connect();
  await world.settle();
  world.socket.answers = false;
  world.socket.open();
  world.join(face, TOPIC);
  const [join] = world.socket.out("phx_join");
  world.socket.reply(join, { status: "error", response: { reason: EXPIRED } });
  assert.equal(errors(frames).length, 1);
  world.socket.refuse(4401, EXPIRED);
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.transport.status.state, "refused");
  current = token("alice", 2_000);
  await world.pass(6_000);
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.token, current);
  world.socket.open();
  await world.settle();
  assert.equal(world.transport.status.state, "live");
  assert.equal(opened(), 2, "realtime-js joins again at each open");
  face.close();
});

Deno.test("refused: who signs in and sends something is let in at once", async () => {
  let current: string | null = null;
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  first.refuse(4403, "role_forbidden: Use another account.");
  current = token("alice");
  world.join(face, "realtime:other", {}, "5");
  await world.settle();
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.token, current);
  face.close();
});

Deno.test("4401 to each of ever new tokens: it dials less and less often", async () => {
  let asked = 0;
  const world = new ScriptedWorld({ token: () => token("alice", 1_000 + asked++) });
  const { face } = world.connect();
  await world.settle();
  for (let attempt = 0; attempt < 4; attempt++) {
    world.socket.refuse(4401, EXPIRED);
    await world.settle();
    assert.equal(world.transport.status.retryAt! - world.now, backoff(attempt, 0.5));
    await world.pass(backoff(attempt, 0.5));
    assert.equal(world.sockets.length, attempt + 2);
  }
  face.close();
});

Deno.test("nor more often where Realtime takes the sockets, and refuses their joins", async () => {
  let asked = 0;
  const relay = "https://abc.supabase.co/realtime/v1";
  const world = new ScriptedWorld({ relay, token: () => token("alice", 4_000_000_000 + asked++) });
  const { face, first } = await world.live();
  first.refuse(4401, EXPIRED);
  await world.settle();
  const response = { reason: "InvalidJWTToken: The token's signature is invalid" };
  for (const attempt of [1, 2, 3]) {
    const { socket } = world;
    assert.equal(world.sockets.length, attempt + 1);
    socket.answers = false;
    socket.open();
    socket.reply(socket.out("heartbeat")[0], { status: "ok", response: {} });
    socket.reply(socket.out("phx_join")[0], { status: "error", response });
    await world.settle();
    assert.equal(world.transport.status.code, 4401);
    await world.pass(backoff(attempt, 0.5) - 1);
    assert.equal(world.sockets.length, attempt + 1, "it waits");
    await world.pass(1);
  }
  face.close();
});

Deno.test("4401 while token() has a newer one already: it dials at once", async () => {
  let current = token("alice", 1_000);
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  current = token("alice", 2_000);
  first.refuse(4401, EXPIRED);
  await world.settle();
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.token, current);
  face.close();
});

Deno.test("the page sleeps past its token: no join with the stale one goes out", async () => {
  const [stale, fresh] = [token("alice", 1_000), token("alice", 9_000)];
  let current = stale;
  const world = new ScriptedWorld({ token: () => current });
  const { face, frames } = await world.live(TOPIC, {}, stale);
  world.socket.bring({
    topic: TOPIC,
    event: "system",
    payload: { extension: "system", status: "error", message: "Token has expired 0 seconds ago" },
  });
  world.socket.bring({ join_ref: "1", ref: "1", topic: TOPIC, event: "phx_close", payload: {} });
  await world.pass(3_600_000);
  assert.equal(world.transport.status.state, "refused");
  world.wake("visible");
  await world.settle();
  world.socket.answers = false;
  world.socket.open();
  world.socket.refuse(4401, EXPIRED);
  assert.deepEqual(world.socket.out("phx_join"), []);
  current = fresh;
  await world.pass(6_000);
  world.socket.open();
  // realtime-js may come with the token that it had before it slept.
  world.join(face, "realtime:late", {}, "9", stale);
  await world.settle();
  const later = world.sockets.slice(1).flatMap((socket) => socket.out("phx_join"));
  assert.deepEqual(later.map(({ topic }) => topic).toSorted(), ["realtime:late", TOPIC]);
  assert.ok(later.every(({ payload }) => payload.access_token === fresh));
  assert.deepEqual(frames.filter(({ event }) => event === "phx_close"), []);
  face.close();
});

Deno.test("the relay's word that a token expires brings a newer one to each topic", async () => {
  const [old, fresh] = [token("alice", 1_000), token("alice", 2_000)];
  let current = old;
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  const notice = { extension: "relay", status: "token_expiring", deadline_ms: 60_000 };
  const frame = { topic: "phoenix", event: "system", payload: notice };
  first.bring(frame);
  await world.settle();
  assert.deepEqual(first.out("access_token"), [], "there is none yet");
  current = fresh;
  first.bring(frame);
  await world.settle();
  const [push] = first.out("access_token");
  assert.deepEqual([push.topic, push.payload], [TOPIC, { access_token: fresh }]);
  face.close();
});

Deno.test("signed in as somebody else: the old socket's events end with it", async () => {
  const [alice, bob] = [token("alice"), token("bob")];
  let current: string | null = alice;
  const world = new ScriptedWorld({ token: () => current });
  const { face, frames, first } = await world.live(TOPIC, { broadcast: { ack: true } }, alice);
  world.push(face, {
    ...{ join_ref: "1", ref: "2", topic: TOPIC, event: "presence" },
    payload: { type: "presence", event: "track", payload: { name: "alice" } },
  });
  current = bob;
  const tell = (token: string) =>
    world.push(face, {
      ...{ join_ref: "1", ref: "3", topic: TOPIC, event: "access_token" },
      payload: { access_token: token },
    });
  tell(bob);
  first.bring(broadcast(TOPIC, "alice's"));
  await world.settle();
  first.bring(broadcast(TOPIC, "alice's"));
  assert.deepEqual(first.out("access_token"), [], "alice's socket never hears of bob");
  assert.equal(first.readyState, 3);
  assert.equal(world.socket.token, bob);
  world.socket.open();
  await world.settle();
  const [join] = world.socket.out("phx_join");
  assert.equal(join.payload.access_token, bob);
  assert.deepEqual(world.socket.out("presence"), [], "bob tracks for himself");
  assert.deepEqual(frames.filter(({ event }) => event === "broadcast"), []);
  current = null;
  tell("sb_publishable_x");
  await world.settle();
  assert.equal(world.socket.token, undefined);
  assert.equal(world.socket.url.searchParams.get("apikey"), "sb_publishable_x");
  face.close();
});

Deno.test("signed in as somebody else while the socket was on its way: its joins wait for that", async () => {
  let current = token("alice");
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live(TOPIC, {}, current);
  first.refuse(1006, "");
  await world.pass(1_000);
  const late = world.socket;
  current = token("bob");
  world.push(face, {
    ...{ join_ref: "1", ref: "3", topic: TOPIC, event: "access_token" },
    payload: { access_token: current },
  });
  late.open();
  await world.settle();
  assert.deepEqual(late.out("phx_join"), []);
  assert.equal(late.readyState, 3);
  world.socket.open();
  await world.settle();
  assert.equal(world.socket.out("phx_join")[0].payload.access_token, current);
  face.close();
});

Deno.test("signed in while an anonymous socket was on its way: it is that user's", async () => {
  let current: string | null = null;
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  first.refuse(1006, "");
  await world.pass(1_000);
  current = token("alice");
  world.socket.open();
  await world.settle();
  const [push] = world.socket.out("access_token");
  assert.deepEqual([push?.topic, push?.payload], [TOPIC, { access_token: current }]);
  face.close();
});

Deno.test("a join that nobody's socket is refused asks who is signed in by now", async () => {
  let current: string | null = null;
  const world = new ScriptedWorld({ token: () => current });
  const { face, first } = await world.live();
  await world.settle();
  current = token("alice");
  first.answers = false;
  // Where token() is all there is, the application's frames carry a key.
  world.join(face, "realtime:private", { private: true }, "5");
  const reason = "Unauthorized: You do not have permissions to read from this Channel topic";
  first.reply(first.out("phx_join").at(-1)!, { status: "error", response: { reason } });
  await world.settle();
  const [push] = first.out("access_token");
  assert.deepEqual([push?.topic, push?.payload], [TOPIC, { access_token: current }]);
  face.close();
});

for (const when of ["opens", "is proven"]) {
  Deno.test(`a token() that throws at once where it is in doubt who is signed in, as a socket ${when}`, async () => {
    let current: string | undefined = token("alice");
    const world = new ScriptedWorld({
      token: () => {
        if (current) return current;
        throw new Error("no session");
      },
    });
    const { face, first } = await world.live(TOPIC, {}, current);
    first.refuse(1006, "");
    await world.pass(1_000);
    const doubtful = world.socket;
    doubtful.answers = false;
    world.push(face, {
      ...{ join_ref: "1", ref: "3", topic: TOPIC, event: "access_token" },
      payload: { access_token: token("bob") },
    });
    await world.settle();
    if (when === "opens") current = undefined;
    doubtful.open();
    await world.settle();
    current = undefined;
    doubtful.reply(doubtful.out("heartbeat")[0], { status: "ok", response: {} });
    assert.equal(world.transport.status.state, "reconnecting");
    assert.equal(doubtful.readyState, 3);
    current = token("bob");
    await world.pass(2_000);
    world.socket.open();
    await world.settle();
    assert.equal(world.transport.status.state, "live");
    assert.equal(world.socket.out("phx_join")[0].payload.access_token, current);
    face.close();
  });
}

Deno.test("signed in as somebody else when it is time to move: the old socket goes first", async () => {
  let current = token("alice");
  const world = new ScriptedWorld({ token: () => current, wallClockMs: 100_000 });
  const { face, frames, first } = await world.live(TOPIC, {}, current);
  current = token("bob");
  await world.pass(50_000);
  assert.equal(first.readyState, 3);
  first.bring(broadcast(TOPIC, "alice's"));
  assert.deepEqual(frames.filter(({ event }) => event === "broadcast"), []);
  world.socket.open();
  await world.settle();
  assert.equal(world.socket.out("phx_join")[0].payload.access_token, current);
  face.close();
});

Deno.test("Realtime itself gets a key and no subprotocol, and no join with a stale token", async () => {
  let current = token("alice", 2_000);
  const relay = "https://abc.supabase.co/realtime/v1";
  const world = new ScriptedWorld({ relay, token: () => current });
  const { face, first } = await world.live();
  assert.deepEqual(first.protocols, []);
  assert.equal(first.url.pathname, "/realtime/v1/websocket");
  assert.equal(first.url.searchParams.get("apikey"), "sb_publishable_x");
  first.refuse(1006, "");
  world.now = 3_000_000;
  await world.pass(1_000);
  assert.equal(world.transport.status.state, "refused");
  assert.equal(world.sockets.length, 1);
  current = token("alice", 9_000);
  await world.pass(6_000);
  world.socket.open();
  await world.settle();
  assert.equal(world.socket.out("phx_join")[0].payload.access_token, current);
  face.close();
});

Deno.test("who signs out while the socket is dialled is not who is signed in", async () => {
  let current: string | null = token("alice");
  const world = new ScriptedWorld({ token: () => current });
  const { face } = world.connect();
  await world.settle();
  const dialled = world.socket;
  assert.equal(dialled.token, current);
  current = null;
  dialled.open();
  await world.settle();
  assert.equal(dialled.readyState, dialled.CLOSED);
  assert.equal(world.socket.token, undefined);
  face.close();
});

Deno.test("what one user has queued is not sent for the next", async () => {
  let current = token("alice");
  const world = new ScriptedWorld({ token: () => current });
  const { face, frames, first } = await world.live(TOPIC, { broadcast: { ack: true } });
  first.refuse(1006, "");
  world.push(face, {
    ...{ join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast" },
    payload: { type: "broadcast", event: "e", payload: "alice's" },
  });
  assert.ok(face.bufferedAmount > 0);
  current = token("bob");
  await world.pass(1_000);
  world.socket.open();
  await world.settle();
  assert.equal(face.bufferedAmount, 0);
  assert.deepEqual(world.socket.out("broadcast"), []);
  assert.match(JSON.stringify(errors(frames)), /Another user/);
  face.close();
});

Deno.test("a newer token that comes while the next socket is dialled goes into its joins", async () => {
  const [old, newer] = [token("alice", 4_000_000_000), token("alice", 4_000_000_100)];
  const world = new ScriptedWorld({ token: () => old });
  const { face, first } = await world.live(TOPIC, {}, old);
  first.refuse(1006, "");
  await world.pass(1_000);
  world.push(face, {
    ...{ join_ref: "1", ref: "2", topic: TOPIC, event: "access_token" },
    payload: { access_token: newer },
  });
  world.socket.open();
  await world.settle();
  const [join] = world.socket.out("phx_join");
  assert.equal(join.payload.access_token, newer);
  face.close();
});
