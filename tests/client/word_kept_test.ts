import assert from "node:assert/strict";
import type { CatchUp } from "../../client/catch_up.ts";
import type { Frame, Json } from "../../client/frame.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast, change, token } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const BINDING = { id: 11, event: "INSERT", schema: "public", table: "url_clicks" };

const events = (frames: Frame[], event: string) => frames.filter((frame) => frame.event === event);
const gaps = (frames: Frame[]) =>
  events(frames, "system").filter(({ payload }) => payload.status === "gap");
const rows = (frames: Frame[]) =>
  events(frames, "postgres_changes").map(({ payload }) => (payload.data as Json).record as Json);

/** A table that a test fills. `asked` are the times from which it was read. */
function table(all: () => Json[]) {
  const asked: string[] = [];
  const catchUp: CatchUp = {
    ...{ schema: "public", table: "url_clicks", key: "id", time: "at", overlapMs: 30_000 },
    async *read({ since }) {
      asked.push(since);
      yield await Promise.resolve(
        all().filter(({ at }) => Date.parse(`${at}Z`) >= Date.parse(since)),
      );
    },
  };
  return { catchUp, asked };
}

/** A world whose joins are answered with a binding; "Subscribed" comes where the test says so. */
async function subscribing(options = {}) {
  const world = new ScriptedWorld(options);
  const application = world.connect();
  await world.settle();
  const { socket: first } = world;
  first.answers = false;
  first.open();
  answerBeats(first);
  world.join(application.face, TOPIC);
  await world.settle();
  return { world, first, ...application };
}

type Socket = ScriptedWorld["socket"];

function answerBeats(socket: Socket): void {
  for (const beat of socket.out("heartbeat")) socket.reply(beat, { status: "ok", response: {} });
}

const answer = (socket: Socket, status = "ok", response: Json = { postgres_changes: [BINDING] }) =>
  socket.reply(socket.out("phx_join").at(-1)!, { status, response });

const subscribed = (
  socket: Socket,
  status = "ok",
  message = "Subscribed to PostgreSQL",
  topic = TOPIC,
) =>
  socket.bring({
    topic,
    event: "system",
    payload: { extension: "postgres_changes", status, message, channel: "room" },
  });

/** The next socket, open and proven. */
async function again(world: ScriptedWorld, ms = 1_000): Promise<Socket> {
  await world.pass(ms);
  const { socket } = world;
  socket.answers = false;
  socket.open();
  await world.settle();
  answerBeats(socket);
  await world.settle();
  return socket;
}

for (const reason of ["ClientJoinRateLimitReached: Too many joins per second", "some error"]) {
  Deno.test(`a join that the next socket is refused is tried again there: ${reason}`, async () => {
    const world = new ScriptedWorld();
    const { face, frames, first } = await world.live();
    const notice = { extension: "relay", status: "drain", deadline_ms: 10_000 };
    first.bring({ topic: "phoenix", event: "system", payload: notice });
    const next = await again(world, 2_000);
    answer(next, "error", { reason });
    await world.pass(500);
    first.refuse(1012, "");
    await world.pass(1_000);
    answerBeats(next);
    await world.pass(4_000);
    assert.ok(next.out("phx_join").length > 1, "it was joined once and never again");
    answer(next, "ok", {});
    await world.settle();
    next.bring(broadcast(TOPIC, "after"));
    await world.settle();
    assert.equal(events(frames, "broadcast").length, 1);
    assert.equal(gaps(frames).length, 1, "what came in between is told");
    face.close();
  });
}

Deno.test("a join that stays refused on the socket that took over is told", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  first.refuse(1006, "");
  const next = await again(world);
  for (let i = 0; i < 20 && events(frames, "phx_error").length === 0; i++) {
    answer(next, "error", { reason: "ClientJoinRateLimitReached: Too many joins per second" });
    const [channel] = world.transport.status.channels!;
    assert.match(`${channel.state} ${channel.reason}`, /^(waiting|refused) .*Too many joins/);
    await world.pass(15_000);
  }
  assert.equal(world.transport.status.channels![0].state, "refused");
  assert.match(JSON.stringify(events(frames, "phx_error")), /Too many joins/);
  face.close();
});

Deno.test("a pool that is busy for 20 s is told to nobody", async () => {
  const world = new ScriptedWorld();
  const { face, frames, first } = await world.live();
  first.refuse(1006, "");
  const next = await again(world);
  for (const end = world.now + 20_000; world.now < end;) {
    answer(next, "error", { reason: "IncreaseConnectionPool: Please increase your pool size" });
    await world.pass(3_000);
  }
  await world.pass(30_000);
  answer(next, "ok", {});
  await world.settle();
  assert.deepEqual(events(frames, "phx_error"), []);
  assert.deepEqual(world.transport.status.channels, [{ channel: "room", state: "joined" }]);
  face.close();
});

Deno.test("a subscription that is refused for good is told after some tries; broadcasts do not wait", async () => {
  const { world, first, face, frames } = await subscribing();
  answer(first);
  subscribed(first);
  await world.settle();
  first.refuse(1006, "");
  const next = await again(world);
  for (let i = 0; i < 10; i++) {
    answer(next);
    await world.settle();
    subscribed(next, "error", "Unable to subscribe: column does not exist");
    next.bring(broadcast(TOPIC, i));
    await world.pass(10_000);
    if (events(frames, "system").some(({ payload }) => payload.status === "error")) break;
  }
  const joins = next.out("phx_join").length;
  assert.ok(joins < 6, `${joins} joins`);
  assert.match(JSON.stringify(events(frames, "system")), /"status":"error".*column does not exist/);
  assert.equal(events(frames, "broadcast").length, joins);
  assert.match(world.transport.status.channels![0].reason!, /column does not exist/);
  await world.pass(120_000);
  assert.equal(next.out("phx_join").length, joins, "nothing is tried any more");
  face.close();
});

const at = (world: ScriptedWorld, ms = 0) => new Date(world.now + ms).toISOString().slice(0, -1);

Deno.test("the application is told that it is joined once its rows flow", async () => {
  const { world, first, face, frames } = await subscribing();
  answer(first);
  await world.pass(1_500);
  assert.equal(world.transport.status.channels![0].state, "joining");
  assert.deepEqual(frames.filter(({ ref }) => ref === "1"), []);
  subscribed(first);
  await world.settle();
  assert.deepEqual(frames.slice(-2).map(({ event }) => event), ["phx_reply", "system"]);
  assert.deepEqual(gaps(frames), []);
  face.close();
});

Deno.test('where "Subscribed" is late the answer does not wait, and the rows till then are read', async () => {
  const all: Json[] = [];
  const { catchUp } = table(() => all);
  const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
  answer(first);
  await world.pass(5_500);
  all.push({ id: 1, at: at(world) });
  assert.equal(world.transport.status.channels![0].state, "catching up");
  subscribed(first);
  await world.settle();
  assert.deepEqual(rows(frames).map(({ id }) => id), [1]);
  face.close();
});

Deno.test("three rows whose keys JSON rounds alike are three rows", async () => {
  const { catchUp } = table(() => []);
  const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
  answer(first);
  subscribed(first);
  for (const n of [1, 2, 3]) {
    const frame = change(TOPIC, [11], "INSERT", { id: 7, at: at(world) });
    const text = JSON.stringify([null, null, TOPIC, "postgres_changes", frame.payload]);
    first.onmessage!({ data: text.replace('"id":7', `"id":900719925474099300${n}`) });
  }
  assert.equal(rows(frames).length, 3);
  face.close();
});

Deno.test("a row is told from another by all the columns of its key", async () => {
  const { catchUp } = table(() => []);
  const both = { ...catchUp, key: ["id", "part"] };
  const { first, face, frames } = await subscribing({ catchUp: [both] });
  answer(first);
  subscribed(first);
  for (const part of [1, 2, 2]) first.bring(change(TOPIC, [11], "INSERT", { id: 7, part }));
  assert.deepEqual(rows(frames).map(({ part }) => part), [1, 2]);
  face.close();
});

Deno.test("a row that comes again under its key comes again, though its DELETE was not to be seen", async () => {
  const { catchUp } = table(() => []);
  const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
  answer(first);
  subscribed(first);
  for (const ms of [0, 3_600_000]) {
    await world.pass(ms);
    const stamp = `${at(world)}Z`;
    first.bring(change(TOPIC, [11], "INSERT", { id: 1, at: at(world) }, stamp));
  }
  assert.equal(rows(frames).length, 2);
  face.close();
});

for (const zone of ["America/Los_Angeles", "Asia/Tokyo"]) {
  Deno.test(`a time without a zone is the server's, not ${zone}'s`, async () => {
    const before = Deno.env.get("TZ");
    Deno.env.set("TZ", zone);
    try {
      const all: Json[] = [];
      const { catchUp } = table(() => all);
      const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
      all.push({ id: 0, at: at(world, -3_600_000) });
      answer(first);
      subscribed(first);
      first.bring(change(TOPIC, [11], "INSERT", { id: 1, at: at(world) }, `${at(world)}Z`));
      first.refuse(1006, "");
      all.push({ id: 2, at: at(world, 500) });
      const next = await again(world);
      answer(next);
      subscribed(next);
      await world.settle();
      assert.deepEqual(rows(frames).map(({ id }) => id), [1, 2]);
      face.close();
    } finally {
      if (before === undefined) Deno.env.delete("TZ");
      else Deno.env.set("TZ", before);
    }
  });
}

Deno.test("what a peer writes is no clock", async () => {
  const all: Json[] = [];
  const { catchUp } = table(() => all);
  const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
  answer(first);
  subscribed(first);
  world.join(face, "realtime:other", {}, "2");
  first.reply(first.out("phx_join").at(-1)!, { status: "ok", response: {} });
  first.bring(broadcast("realtime:other", { sent_at: `${at(world, 120_000)}Z` }));
  await world.pass(1_000);
  all.push({ id: 1, at: at(world) });
  first.refuse(1006, "");
  const next = await again(world);
  const join = next.out("phx_join").find(({ topic }) => topic === TOPIC)!;
  next.reply(join, { status: "ok", response: { postgres_changes: [BINDING] } });
  subscribed(next);
  await world.settle();
  assert.deepEqual(rows(frames).map(({ id }) => id), [1]);
  face.close();
});

Deno.test("where this machine's clock is fast a row comes or is told", async () => {
  for (const fast of [11_000, 3_600_000]) {
    const all: Json[] = [];
    const { catchUp } = table(() => all);
    const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
    answer(first);
    subscribed(first);
    first.refuse(1006, "");
    all.push({ id: 1, at: at(world, 100 - fast) });
    const next = await again(world);
    answer(next);
    subscribed(next);
    await world.settle();
    const missing = gaps(frames).map(({ payload }) => payload.missing);
    assert.ok(rows(frames).length === 1 || missing.includes("events"), `${fast} ms: in silence`);
    face.close();
  }
});

Deno.test("where this machine's clock is set forward a row comes or is told", async () => {
  const other = "realtime:other";
  const slow = 3_600_000;
  const all: Json[] = [];
  const { catchUp } = table(() => all);
  const { world, first, face, frames } = await subscribing({ catchUp: [catchUp] });
  const joined = (socket: Socket) => {
    for (const join of socket.out("phx_join")) {
      socket.reply(join, { status: "ok", response: { postgres_changes: [BINDING] } });
      subscribed(socket, "ok", "Subscribed to PostgreSQL", join.topic);
    }
  };
  joined(first);
  const [row, committed] = [{ id: 1, at: at(world, slow) }, `${at(world, slow)}Z`];
  first.bring(change(TOPIC, [11], "INSERT", row, committed));
  world.setClock(slow);
  world.join(face, other, {}, "2");
  answerBeats(first);
  joined(first);
  await world.pass(60_000);
  answerBeats(first);
  first.refuse(1006, "");
  all.push(row, { id: 2, at: at(world) });
  joined(await again(world));
  await world.settle();
  const ofOther = frames.filter(({ topic }) => topic === other);
  const missing = gaps(ofOther).map(({ payload }) => payload.missing);
  assert.ok(rows(ofOther).some(({ id }) => id === 2) || missing.includes("events"));
  face.close();
});

Deno.test("token() that never answers: the status says so, one call is open, a late answer is used", async () => {
  const calls: PromiseWithResolvers<string>[] = [];
  const ask = () => {
    const call = Promise.withResolvers<string>();
    calls.push(call);
    return call.promise;
  };
  const world = new ScriptedWorld({ token: ask });
  const live = world.live();
  calls[0].resolve(token("alice", 1_000));
  const { face, first } = await live;
  first.refuse(4401, "token_expired: Refresh the session, then connect with the new token.");
  assert.equal(world.transport.status.state, "reconnecting");
  await world.pass(3_600_000);
  const { state, reason } = world.transport.status;
  assert.deepEqual([state, reason], ["reconnecting", "token() does not answer."]);
  assert.equal(calls.length, 2, "one call is open");
  calls[1].resolve(token("alice", 9_000));
  await world.settle();
  assert.equal(world.sockets.length, 2);
  assert.equal(world.socket.token, token("alice", 9_000));
  face.close();
});

Deno.test("token() that hangs while it is in doubt who is signed in: nothing is live", async () => {
  const answers: (string | Promise<string>)[] = [token("alice"), new Promise(() => {})];
  const world = new ScriptedWorld({ token: () => answers.shift()! });
  const { face, frames, first } = await world.live(TOPIC, {}, token("alice"));
  world.push(face, {
    ...{ join_ref: "1", ref: "3", topic: TOPIC, event: "access_token" },
    payload: { access_token: "sb_publishable_x" },
  });
  first.bring(broadcast(TOPIC, "alice's"));
  await world.pass(60_000);
  const { state, reason } = world.transport.status;
  assert.deepEqual([state, reason], ["reconnecting", "token() does not answer."]);
  assert.deepEqual(events(frames, "broadcast"), []);
  face.close();
});

Deno.test("token() that fails while nobody doubts who is signed in changes nothing", async () => {
  let fails = false;
  const world = new ScriptedWorld({ token: () => fails ? Promise.reject(new Error()) : null });
  const { face } = await world.live();
  fails = true;
  world.wake("visible");
  await world.settle();
  fails = false;
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(world.states, ["connecting", "live"]);
  face.close();
});

Deno.test("a socket that is closed while token() is open waits for nothing", async () => {
  const world = new ScriptedWorld({ token: () => new Promise(() => {}) });
  const { face } = world.connect();
  face.close();
  await world.settle();
  assert.equal(world.timers, 0);
});

Deno.test("a broadcast that nobody would answer, and that no longer fits, throws", async () => {
  const world = new ScriptedWorld({ maxQueueBytes: 10 });
  const { face, first } = await world.live();
  first.refuse(1006, "");
  const payload = { type: "broadcast", event: "e", payload: "more than that" };
  const frame = { join_ref: "1", ref: "2", topic: TOPIC, event: "broadcast", payload };
  assert.throws(() => world.push(face, frame), {
    name: "QuotaExceededError",
    message: /queue_full/,
  });
  face.close();
});

Deno.test("what waited for a channel that is not joined again keeps nothing from the others", async () => {
  const { catchUp } = table(() => []);
  catchUp.read = async function* () {
    await new Promise(() => {});
    yield [];
  };
  const { world, face, first } = await subscribing({ catchUp: [catchUp] });
  answer(first);
  subscribed(first);
  first.refuse(1006, "");
  const second = await again(world);
  answer(second);
  subscribed(second);
  second.bring(change(TOPIC, [11], "INSERT", { id: 1 }));
  await world.settle();
  face.close(1000, "heartbeat timeout");
  const { frames, ...other } = await world.live("realtime:other");
  assert.equal(events(frames, "phx_reply").length, 1);
  other.face.close();
});

type End = (about: Awaited<ReturnType<typeof subscribing>>) => void | Promise<void>;

const ENDS: Record<string, End> = {
  "the socket under it is lost": ({ world }) => world.socket.refuse(1006, ""),
  "its time is up": ({ world }) => world.pass(8_000),
  "its channel is left": ({ world, face }) =>
    world.push(face, { join_ref: "1", ref: "2", topic: TOPIC, event: "phx_leave", payload: {} }),
};

for (const [what, end] of Object.entries(ENDS)) {
  Deno.test(`a table is read no further once ${what}`, () => readNoFurther(end));
}

async function readNoFurther(end: End): Promise<void> {
  let [pages, isAborted, isEnded] = [0, false, false];
  const { promise: more, resolve } = Promise.withResolvers<void>();
  const catchUp: CatchUp = {
    ...{ schema: "public", table: "url_clicks", key: "id", time: "at", overlapMs: 30_000 },
    async *read({ signal }) {
      isEnded = false;
      signal.addEventListener("abort", () => isAborted = true);
      try {
        for (; pages < 10; pages++) {
          if (pages > 0) await more;
          yield [];
        }
      } finally {
        isEnded = true;
      }
    },
  };
  const about = await subscribing({ catchUp: [catchUp] });
  const { world, face, first } = about;
  answer(first);
  subscribed(first);
  first.refuse(1006, "");
  await world.pass(1_000);
  world.socket.answers = false;
  world.socket.open();
  answerBeats(world.socket);
  await world.settle();
  answer(world.socket);
  subscribed(world.socket);
  await world.settle();
  assert.equal(isEnded, false);
  await end(about);
  resolve();
  await world.settle();
  assert.deepEqual([isAborted, isEnded, pages], [true, true, 1]);
  face.close();
}
