import assert from "node:assert/strict";
import { CONFIG, Stage, test } from "../support/hub/stage.ts";

const TOPIC = "realtime:clicks";
const BUSY = "IncreaseConnectionPool: Please increase your connection pool size";

const isNoReply = (what: string) => !what.startsWith("phx_reply");

const gapsOf = ({ frames }: { frames: { event: string; payload?: unknown }[] }) =>
  frames.map(({ payload }) => payload as Record<string, string>)
    .filter(({ extension, status }) => extension === "relay" && status === "gap");

for (const vsn of ["2.0.0", "1.0.0"] as const) {
  test(`an upstream that is lost is joined again, and the gap is told, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const clients = [];
    for (let n = 0; n < 3; n++) clients.push(await stage.view(TOPIC, CONFIG, undefined, vsn));
    const from = clock.now();
    realtime.isDown = true;
    realtime.cut();
    await clock.pass(3_000);
    realtime.emit(TOPIC, "postgres_changes", { data: "lost" });
    realtime.isDown = false;
    realtime.holdsSystem = true;
    await clock.pass(10_000);
    for (const client of clients) assert.deepEqual(gapsOf(client), [], "it is not over yet");
    realtime.subscribed(realtime.channels[0]);
    const to = clock.now();
    realtime.emit(TOPIC, "postgres_changes", { data: "next" });
    await clock.settle();
    for (const client of clients) {
      const [reply, ...rest] = client.heard();
      assert.match(reply, /ok$/);
      assert.deepEqual(rest, ["system ok", "system ok", "system gap", 'change "next"']);
      const [gap] = gapsOf(client);
      assert.deepEqual([gap.from, gap.to], [from, to]);
    }
    const events = stage.log.map(({ event }) => event);
    assert.equal(events.filter((event) => event === "hub_lost").length, 1);
    assert.equal(events.filter((event) => event === "hub_back").length, 1);
  });
}

test("what waited in Realtime behind a join is in the gap, whoever has left that join by now", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const client = await stage.view(TOPIC);
  await clock.pass(1_000);
  const from = clock.now();
  realtime.delay = () => {};
  const other = await stage.view("realtime:slow");
  other.socket.end(1001);
  await clock.pass(12_000);
  assert.equal((await stage.hub()).groups, 1, "nobody waits for it any more");
  realtime.emit(TOPIC, "postgres_changes", { data: "heard" });
  await clock.settle();
  realtime.delay = undefined;
  realtime.cut();
  await clock.pass(5_000);
  const [gap] = gapsOf(client);
  assert.equal(gap.from, from);
});

test("of a worker that stood still the gap begins where it stopped, until it has heard anew", async () => {
  for (const isHeardAnew of [false, true]) {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const client = await stage.view(TOPIC);
    await clock.pass(30_000);
    const stopped = clock.now();
    clock.time += 120_000;
    // What it reads first may have waited all the time, and what came behind that is lost.
    realtime.emit(TOPIC, "postgres_changes", { data: "early" });
    if (isHeardAnew) await clock.pass(30_000);
    const heard = clock.now();
    realtime.emit(TOPIC, "postgres_changes", { data: "late" });
    realtime.cut();
    await clock.pass(5_000);
    const [gap] = gapsOf(client);
    if (isHeardAnew) assert.equal(gap.from, heard);
    else {assert.ok(
        Number(gap.from) <= stopped,
        `${stopped - Number(gap.from)} ms before it stopped`,
      );}
  }
});

test("without Postgres Changes the gap is over with the answer to the join", async () => {
  using stage = new Stage();
  const client = await stage.view(TOPIC, { ...CONFIG, postgres_changes: [] });
  stage.realtime.cut();
  await stage.clock.pass(1_000);
  assert.deepEqual(client.heard(), ["phx_reply 1 ok", "system gap"]);
});

test("an upstream that opens and is lost at once is not dialled without end", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const client = await stage.view(TOPIC);
  realtime.judge = () => {
    setTimeout(() => realtime.cut(), 0);
    return null;
  };
  realtime.cut();
  await clock.pass(30_000);
  assert.ok(realtime.dials < 12, `dialled ${realtime.dials} times in half a minute`);
  assert.equal(client.socket.readyState, 1);
});

test("viewers are not left in front of a dead Realtime: after a minute they are told", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const clients = [await stage.view(TOPIC), await stage.view(TOPIC)];
  realtime.isDown = true;
  realtime.cut();
  await clock.pass(40_000);
  const late = await stage.view(TOPIC);
  await clock.pass(15_000);
  assert.match(late.heard()[0], /error upstream_refused: /, "who joins meanwhile is told at once");
  for (const { socket } of clients) assert.equal(socket.readyState, 1);
  await clock.pass(20_000);
  for (const { socket } of clients) assert.equal(socket.closedWith!.code, 4502);
  late.socket.end(1001);
  await clock.pass(6_000);
  assert.deepEqual([clock.pending, (await stage.hub()).groups], [0, 0]);
});

for (const [what, reason] of [["loses it at once", null], ["refuses the join", BUSY]] as const) {
  test(`a Realtime that takes the socket and ${what} is no better than a dead one`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const client = await stage.view(TOPIC);
    const keepAlive = setInterval(() => client.send("phoenix", "heartbeat"), 25_000);
    realtime.judge = (_, { socket }) => {
      setTimeout(() => socket.end(1001), 0);
      return reason;
    };
    realtime.cut();
    await clock.pass(55_000);
    assert.deepEqual(client.heard().filter(isNoReply), ["system ok"], "it may be back any moment");
    await clock.pass(30_000);
    const isTold = client.socket.closedWith?.code === 4502 ||
      client.heard().includes("phx_error 1");
    assert.ok(isTold, "the viewer of a channel that has not stood for a minute is told");
    clearInterval(keepAlive);
  });
}

for (const isPrivate of [false, true]) {
  const channel = isPrivate ? "a private channel" : "a channel";
  test(`viewers of ${channel} that Realtime has no room for are told after a minute, not others`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const config = { ...CONFIG, private: isPrivate };
    const clients = [await stage.view(TOPIC, config), await stage.view(TOPIC, config)];
    const well = await stage.view("realtime:well", config);
    const keepAlive = setInterval(() => {
      for (const it of [...clients, well]) it.send("phoenix", "heartbeat");
    }, 25_000);
    realtime.judge = ({ topic }) => topic === TOPIC ? BUSY : undefined;
    realtime.cut();
    await clock.pass(55_000);
    for (const client of clients) assert.deepEqual(client.heard().filter(isNoReply), ["system ok"]);
    await clock.pass(30_000);
    for (const client of clients) assert.equal(client.heard().filter(isNoReply)[1], "phx_error 1");
    assert.deepEqual(well.heard().filter(isNoReply), ["system ok", "system ok", "system gap"]);
    realtime.judge = () => undefined;
    clients[0].join(TOPIC, config);
    await clock.settle();
    const ref = clients[0].frames.at(-1)?.join_ref;
    assert.deepEqual(clients[0].heard().slice(-2), [`phx_reply ${ref} ok`, "system ok"]);
    clearInterval(keepAlive);
  });
}

test("a Realtime that answers no heartbeat is given up at the next", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const client = await stage.view(TOPIC);
  const keepAlive = setInterval(() => client.send("phoenix", "heartbeat"), 25_000);
  await clock.pass(49_000);
  assert.equal(realtime.dials, 1);
  const [line] = realtime.lines;
  line.socket.send = () => {}; // Half-open: nothing arrives any more.
  await clock.pass(60_000);
  assert.equal(realtime.dials, 2);
  assert.equal(gapsOf(client).length, 1);
  clearInterval(keepAlive);
});

test("a join that is never answered is given up, and only that one", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const well = await stage.view("realtime:well");
  realtime.judge = ({ topic }) => topic === TOPIC ? null : undefined;
  const client = await stage.view(TOPIC);
  const keepAlive = setInterval(() => {
    for (const it of [client, well]) it.send("phoenix", "heartbeat");
  }, 25_000);
  await clock.pass(60_000);
  assert.match(client.heard().find((it) => it.startsWith("phx_reply 1"))!, /upstream_timeout/);
  assert.deepEqual([realtime.dials, (await stage.hub()).groups], [1, 1]);
  clearInterval(keepAlive);
});

test("where the channel is refused the second time, each viewer joins by itself", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const clients = [await stage.view(TOPIC), await stage.view(TOPIC)];
  realtime.judge = () => "Unauthorized: no more";
  realtime.cut();
  await clock.pass(1_000);
  for (const client of clients) {
    assert.equal(client.heard().at(-1), "phx_error 1");
    client.join(TOPIC);
    await clock.settle();
    assert.equal(client.heard().at(-1), "phx_reply 2 error Unauthorized: no more");
  }
  assert.equal((await stage.hub()).groups, 0);
});

test("binding ids that have changed make each viewer join again", async () => {
  using stage = new Stage();
  const client = await stage.view(TOPIC);
  stage.realtime.bindingId = 8;
  stage.realtime.cut();
  await stage.clock.pass(1_000);
  assert.equal(client.heard()[2], "phx_error 1");
  client.join(TOPIC);
  await stage.clock.settle();
  assert.deepEqual(client.heard().slice(3), ["phx_reply 2 ok", "system ok"]);
  assert.match(client.texts.at(-2)!, /"id":8/);
});

test("where nobody does, the channel ends", async () => {
  using stage = new Stage();
  await stage.view(TOPIC);
  stage.realtime.bindingId = 8;
  stage.realtime.cut();
  await stage.clock.pass(1_000);
  assert.equal((await stage.hub()).groups, 1, "a viewer who is told comes back at once");
  await stage.clock.pass(5_000);
  const { groups, upstreams } = await stage.hub();
  assert.deepEqual({ groups, upstreams }, { groups: 0, upstreams: 0 });
});
