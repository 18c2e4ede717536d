import assert from "node:assert/strict";
import { CONFIG, type FakeClient, OTHER_KEY, Stage, test } from "../support/hub/stage.ts";
import { PUBLISHABLE_KEY, sign } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";
const BROADCASTS = { ...CONFIG, postgres_changes: [] };
const versions = ["2.0.0", "1.0.0"] as const;

for (const vsn of versions) {
  test(`viewers of one page are one subscriber, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { realtime, clock } = stage;
    const clients = [];
    for (let n = 0; n < 5; n++) clients.push(await stage.view(TOPIC, CONFIG, undefined, vsn));
    realtime.emit(TOPIC, "postgres_changes", { data: { n: 1 }, ids: [7] });
    realtime.emit(TOPIC, "broadcast", { event: "hi", payload: 1e21, type: "broadcast" });
    await clock.settle();
    for (const client of clients) {
      assert.deepEqual(client.heard(), [
        "phx_reply 1 ok",
        "system ok",
        'change {"n":1}',
        "broadcast hi",
      ]);
    }
    assert.deepEqual([realtime.dials, realtime.joins().length], [1, 1]);
    const { viewers, groups, upstreams, fanOut, sharing } = await stage.hub();
    assert.deepEqual([viewers, groups, upstreams, sharing], [5, 1, 1, "anonymous"]);
    assert.ok(fanOut > 1);
  });

  test(`each viewer is answered with its own refs, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { clock } = stage;
    const first = await stage.view(TOPIC, CONFIG, undefined, vsn);
    const late = await stage.open(undefined, vsn);
    late.send("phoenix", "heartbeat");
    late.join(TOPIC);
    late.send(TOPIC, "phx_leave", {}, "2");
    late.send("realtime:other", "broadcast", { event: "x" });
    late.send("realtime:other", "phx_leave");
    await clock.settle();
    assert.deepEqual(late.heard(), [
      "phx_reply 1 ok",
      "phx_reply 2 ok",
      "system ok",
      "phx_reply 3 ok",
      "phx_close 2",
      "phx_reply 4 error unmatched topic",
      "phx_reply 5 ok",
    ]);
    const same = (texts: string[]) =>
      texts.map((text) => text.replace(/^\["\d",("\d"|null)|^\{"ref":"\d"/, ""));
    assert.deepEqual(same(late.texts.slice(1, 3)), same(first.texts));
    if (vsn === "2.0.0") {
      assert.equal(late.texts[4], `["2","2","${TOPIC}","phx_close",{}]`);
      assert.equal(
        late.frames[2].join_ref,
        "2",
        "a system message tells whose channel it is about",
      );
    } else {assert.equal(
        late.texts[4],
        `{"ref":"2","event":"phx_close","topic":"${TOPIC}","payload":{}}`,
      );}
  });
}

test("a frame that is the same for all is the same string for all, byte by byte", async () => {
  using stage = new Stage();
  const clients = [await stage.view(TOPIC), await stage.view(TOPIC)];
  const text =
    `[null,null,"${TOPIC}","postgres_changes",{"data":{"id":9007199254740993,"x":1.50}}]`;
  stage.realtime.channels[0].line.socket.receive(text);
  await stage.clock.settle();
  for (const { texts } of clients) assert.equal(texts.at(-1), text);
});

test("a second join of a topic is answered, then the first is closed", async () => {
  using stage = new Stage();
  const client = await stage.view(TOPIC);
  client.join(TOPIC);
  client.join(TOPIC, BROADCASTS);
  await stage.clock.settle();
  assert.deepEqual(client.heard().slice(2), [
    "phx_reply 2 ok",
    "phx_close 1",
    "system ok",
    "phx_reply 3 ok",
    "phx_close 2",
  ]);
  stage.realtime.emit(
    TOPIC,
    "broadcast",
    { event: "hi" },
    ({ config }) => config.postgres_changes!.length === 1,
  );
  await stage.clock.settle();
  assert.ok(
    !client.heard().includes("broadcast hi"),
    "of the first channel nothing comes any more",
  );
});

test("a join that is sent again before it was answered has no channel that could end", async () => {
  using stage = new Stage();
  const client = await stage.open(undefined, "2.0.0");
  const text = JSON.stringify(["1", "1", TOPIC, "phx_join", { config: CONFIG }]);
  client.socket.receive(text);
  client.socket.receive(text);
  await stage.clock.pass(1_000);
  assert.deepEqual(client.heard(), ["phx_reply 1 ok", "system ok"]);
});

/** What comes right behind a second join, while the hub waits for its answer. */
const BEHIND: Record<string, (client: FakeClient) => void> = {
  "a broadcast": (client) => client.send(TOPIC, "broadcast", { event: "x" }, "2"),
  "a third join": (client) => client.join(TOPIC, { ...BROADCASTS, private: true }),
  "a leave": (client) => client.send(TOPIC, "phx_leave", {}, "2"),
};

for (const [what, send] of Object.entries(BEHIND)) {
  test(`the channel that a second join replaced is closed, though ${what} comes before the answer`, async () => {
    using stage = new Stage();
    const client = await stage.view(TOPIC);
    client.join(TOPIC, BROADCASTS);
    send(client);
    await stage.clock.pass(1_000);
    const closed = client.heard().filter((it) => it.startsWith("phx_close"));
    assert.equal(closed.filter((it) => it === "phx_close 1").length, 1, `${client.heard()}`);
  });
}

test("the refusal of a shared join reaches every viewer as its own, and nothing stays", async () => {
  using stage = new Stage();
  stage.realtime.judge = () => "Unauthorized: no";
  const clients = [await stage.open(), await stage.open(undefined, "2.0.0"), await stage.open()];
  clients[1].send("phoenix", "heartbeat");
  for (const client of clients) client.join(TOPIC);
  await stage.clock.settle();
  assert.deepEqual(clients.map((client) => client.heard().at(-1)), [
    "phx_reply 1 error Unauthorized: no",
    "phx_reply 2 error Unauthorized: no",
    "phx_reply 1 error Unauthorized: no",
  ]);
  assert.equal(stage.realtime.joins().length, 1);
  assert.deepEqual([(await stage.hub()).groups, stage.realtime.lines.size], [0, 0]);
  stage.realtime.judge = () => undefined;
  clients[0].join(TOPIC);
  await stage.clock.settle();
  assert.equal(clients[0].heard().at(-2), "phx_reply 2 ok");
});

test("a Realtime that cannot be reached is told to who joins, and the socket stays", async () => {
  using stage = new Stage();
  stage.realtime.isDown = true;
  const client = await stage.view(TOPIC);
  assert.match(client.heard()[0], /^phx_reply 1 error upstream_refused: /);
  stage.realtime.isDown = false;
  client.join(TOPIC);
  await stage.clock.settle();
  assert.deepEqual(client.heard().slice(1), ["phx_reply 2 ok", "system ok"]);
});

test("what Realtime says about the channel reaches each viewer as about its own", async () => {
  for (const event of ["phx_close", "phx_error"] as const) {
    using stage = new Stage();
    const clients = [await stage.view(TOPIC), await stage.open()];
    clients[1].send("phoenix", "heartbeat");
    clients[1].join(TOPIC);
    await stage.clock.settle();
    stage.realtime.system(stage.realtime.channels[0], { extension: "system", status: "error" });
    stage.realtime.end(stage.realtime.channels[0], event);
    await stage.clock.settle();
    assert.deepEqual(clients.map((client) => client.heard().slice(-2)), [
      ["system error", `${event} 1`],
      ["system error", `${event} 2`],
    ]);
    clients[1].send(TOPIC, "broadcast", { event: "x" });
    await stage.clock.settle();
    assert.equal(clients[1].heard().at(-1), "phx_reply 3 error unmatched topic");
    assert.equal((await stage.hub()).groups, 0);
  }
});

test("a channel that was joined without a join_ref is ended without one, as in Realtime", async () => {
  for (const event of ["phx_close", "phx_error"] as const) {
    using stage = new Stage();
    const client = await stage.open();
    client.socket.receive(JSON.stringify([null, "7", TOPIC, "phx_join", { config: CONFIG }]));
    await stage.clock.settle();
    assert.equal(client.heard()[0], "phx_reply 7 ok");
    stage.realtime.end(stage.realtime.channels[0], event);
    await stage.clock.settle();
    assert.equal(client.texts.at(-1), JSON.stringify([null, null, TOPIC, event, {}]));
  }
});

for (const vsn of versions) {
  test(`a channel without viewers is left, whatever its socket has beside it, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    await stage.view("realtime:other", CONFIG, undefined, vsn);
    const viewer = await stage.view(TOPIC, CONFIG, undefined, vsn);
    viewer.send(TOPIC, "phx_leave", {}, "1");
    await clock.pass(5_000);
    assert.deepEqual(realtime.channels.map(({ join }) => join.topic), ["realtime:other"]);
  });
}

test("the channel outlives its last viewer by five seconds, and no longer", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const first = await stage.view(TOPIC);
  first.socket.end(1006);
  await clock.pass(4_000);
  assert.equal(realtime.channels.length, 1);
  const second = await stage.view(TOPIC);
  second.send(TOPIC, "phx_leave", {}, "1");
  await clock.pass(4_000);
  assert.deepEqual([realtime.channels.length, realtime.joins().length], [1, 1]);
  await clock.pass(1_000);
  assert.deepEqual([realtime.channels.length, realtime.lines.size], [0, 0]);
  assert.equal(realtime.received.at(-1)!.event, "phx_leave");
  second.socket.end(1001);
  await clock.pass(100); // A client is closed once it has been quiet for a while.
  assert.equal(clock.pending, 0);
});

test("a channel stays for as long as one viewer of it is there", async () => {
  using stage = new Stage();
  const [first, second] = [await stage.view(TOPIC), await stage.view(TOPIC)];
  first.send(TOPIC, "phx_leave", {}, "1");
  await stage.clock.pass(20_000);
  stage.realtime.emit(TOPIC, "broadcast", { event: "x" });
  await stage.clock.settle();
  assert.equal(second.heard().at(-1), "broadcast x");
  assert.equal(stage.realtime.joins().length, 1);
});

test("one topic with two configs is joined on two sockets", async () => {
  using stage = new Stage();
  const filtered = (filter: string) => ({
    ...CONFIG,
    postgres_changes: [{ ...CONFIG.postgres_changes[0], filter }],
  });
  const [a, b] = [
    await stage.view(TOPIC, filtered("slug=eq.a")),
    await stage.view(TOPIC, filtered("slug=eq.b")),
  ];
  assert.deepEqual([stage.realtime.lines.size, stage.realtime.channels.length], [2, 2]);
  stage.realtime.emit(
    TOPIC,
    "postgres_changes",
    { data: "a" },
    ({ config }) => JSON.stringify(config).includes("eq.a"),
  );
  await stage.clock.settle();
  assert.equal(a.heard().at(-1), 'change "a"');
  assert.equal(b.heard().at(-1), "system ok");
});

test("two keys of the project are two groups", async () => {
  using stage = new Stage();
  await stage.view(TOPIC, CONFIG, PUBLISHABLE_KEY);
  await stage.view(TOPIC, CONFIG, OTHER_KEY);
  assert.deepEqual([stage.realtime.joins().length, (await stage.hub()).groups], [2, 2]);
});

test("a user has a socket of its own from the start", async () => {
  using stage = new Stage();
  const [user, viewer] = [await stage.open(await sign()), await stage.open()];
  assert.equal(stage.realtime.dials, 1);
  for (const client of [user, viewer]) client.join(TOPIC);
  await stage.clock.settle();
  assert.deepEqual([stage.realtime.dials, (await stage.hub()).viewers], [2, 1]);
});

test("what is left of an earlier channel of the topic is nobody's", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  await stage.view("realtime:other", CONFIG, undefined, "1.0.0");
  const first = await stage.view(TOPIC, CONFIG, undefined, "1.0.0");
  first.socket.end(1001);
  await clock.pass(0);
  realtime.judge = () => null;
  const second = await stage.view(TOPIC, BROADCASTS, undefined, "1.0.0");
  const [line] = realtime.lines;
  const say = (frame: Record<string, unknown>) => line.socket.receive(JSON.stringify(frame));
  const { ref } = realtime.joins().at(-1)!;
  say({ ref: null, event: "system", topic: TOPIC, payload: { extension: "postgres_changes" } });
  say({ ref: null, event: "broadcast", topic: TOPIC, payload: {} });
  say({ ref: "1", event: "phx_close", topic: TOPIC, payload: {} });
  say({ ref, event: "phx_reply", topic: TOPIC, payload: { status: "ok", response: {} } });
  await clock.settle();
  assert.deepEqual(second.heard(), ["phx_reply 1 ok"]);
  const third = await stage.view(TOPIC, BROADCASTS, undefined, "1.0.0");
  assert.deepEqual(third.heard(), ["phx_reply 1 ok"]);
  assert.equal(realtime.dials, 1);
});

test("what an earlier channel of the topic had sent comes behind the answer, and is nobody's", async () => {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    using stage = new Stage();
    const { realtime, clock } = stage;
    const first = await stage.view(TOPIC, CONFIG, undefined, vsn);
    await stage.view("realtime:other", CONFIG, undefined, vsn);
    first.socket.end(1001);
    await clock.pass(0);
    // The process of the socket is busy, and kills the channel before that can read that it is left.
    const [line] = realtime.lines;
    const old = line.channels.get(TOPIC)!;
    const late: string[] = [];
    const { receive } = line.socket;
    line.socket.receive = (message) => void late.push(message as string);
    const second = await stage.view(TOPIC, BROADCASTS, undefined, vsn);
    line.socket.receive = receive;
    const isOf = (event: string) => (text: string) => text.includes(`"${event}"`);
    const [close, answer] = ["phx_close", "phx_reply"].map((event) => late.findLast(isOf(event))!);
    realtime.system(old, { extension: "postgres_changes", status: "ok" });
    line.socket.receive(answer);
    realtime.emit(TOPIC, "postgres_changes", { data: "of the earlier one" });
    line.socket.receive(close);
    realtime.emit(TOPIC, "broadcast", { event: "of its own" });
    await clock.settle();
    assert.deepEqual(second.heard(), ["phx_reply 1 ok", "broadcast of its own"]);
    assert.equal(realtime.dials, 1);
  }
});

test("no more channels are on a socket than Realtime takes, nor more sockets than planned", async () => {
  using stage = new Stage({ RELAY_MAX_JOINS: "2" });
  const client = await stage.open();
  for (let n = 0; n < 40; n++) await stage.view(`realtime:topic${n}`);
  assert.equal((await stage.hub()).upstreams, 16);
  for (const { channels } of stage.realtime.lines) assert.ok(channels.size <= 2);
  client.join("realtime:topic0");
  await stage.clock.settle();
  assert.equal(stage.realtime.lines.size, 16 + 8, "who finds no place has a socket of its own");
  assert.equal(stage.clients.filter(({ frames }) => frames.length === 2).length, 41);
});

test("what cannot be shared goes through a socket of the viewer's own", async () => {
  using stage = new Stage();
  const { realtime, clock } = stage;
  const client = await stage.view(TOPIC);
  assert.equal(realtime.dials, 1);
  client.join("realtime:room", { ...CONFIG, presence: { enabled: true, key: "" } });
  await clock.settle();
  assert.deepEqual([realtime.dials, (await stage.hub()).groups], [2, 1]);
  client.send("phoenix", "heartbeat");
  await clock.settle();
  assert.equal(client.heard().at(-1), "phx_reply 3 ok");
  assert.equal(realtime.received.filter(({ event }) => event === "heartbeat").length, 1);
  client.socket.end(1001);
  await clock.pass(10_000);
  assert.deepEqual([realtime.lines.size, clock.pending], [0, 0]);
});

test("a viewer whose own socket cannot be opened or is lost is told by its close", async () => {
  using stage = new Stage();
  const own = { ...CONFIG, broadcast: { ack: true, self: true } };
  stage.realtime.isDown = true;
  const refused = await stage.view(TOPIC, own);
  assert.deepEqual(await closeOf(stage, refused), [4502, "upstream_refused"]);
  stage.realtime.isDown = false;
  const lost = await stage.view(TOPIC, own);
  stage.realtime.cut();
  assert.deepEqual(await closeOf(stage, lost), [4502, "upstream_lost"]);
  await stage.clock.pass(10_000);
  assert.equal(stage.clock.pending, 0);
});

async function closeOf(
  { clock }: Stage,
  { socket }: { socket: { closedWith?: { code: number; reason: string } } },
) {
  await clock.pass(100);
  const { code, reason } = socket.closedWith!;
  return [code, reason.split(":")[0]];
}

test("policy and limits hold before the hub is asked", async () => {
  using stage = new Stage({
    RELAY_POLICY: '{"anon":{"topics":["clicks"],"readOnly":true}}',
    RELAY_FRAMES_PER_SECOND: "1",
    RELAY_FRAME_BURST: "20",
  });
  const client = await stage.view(TOPIC);
  client.join("realtime:secrets");
  client.send(TOPIC, "broadcast", { event: "x" }, "1");
  await stage.clock.settle();
  assert.match(client.heard().at(-2)!, /error topic_forbidden/);
  assert.match(client.heard().at(-1)!, /error read_only/);
  assert.equal(stage.realtime.dials, 1);
  for (let n = 0; n < 20; n++) client.send("phoenix", "heartbeat");
  assert.equal((await closeOf(stage, client))[0], 4429);
});

test("where sharing is off each viewer has a socket of its own, and health says why", async () => {
  const cases: [Record<string, string>, object, RegExp][] = [
    [{ RELAY_SHARE: "off" }, {}, /RELAY_SHARE/],
    [{}, { timersPerRequest: true }, /request/],
  ];
  for (const [environment, runtime, why] of cases) {
    using stage = new Stage(environment, runtime);
    await stage.view(TOPIC);
    await stage.view(TOPIC);
    assert.equal(stage.realtime.dials, 2);
    assert.match((await stage.hub()).sharing, why);
  }
});

Deno.test("of channels that Realtime refused and a viewer left, the latest are remembered as left", async () => {
  using stage = new Stage({ RELAY_MAX_JOINS: "2" });
  stage.realtime.judge = ({ payload }) =>
    JSON.stringify(payload).includes('"enabled":true') ? "no" : undefined;
  const viewer = await stage.open();
  const alone = { ...CONFIG, presence: { key: "", enabled: true } };
  for (let n = 0; n < 3; n++) {
    const join = viewer.join(`realtime:${n}`, alone);
    await stage.clock.settle();
    viewer.send(`realtime:${n}`, "phx_leave", {}, join);
    await stage.clock.settle();
  }
  const groups = [];
  for (const n of [2, 0]) {
    viewer.join(`realtime:${n}`);
    await stage.clock.settle();
    groups.push((await stage.hub()).groups);
  }
  assert.deepEqual(groups, [0, 1], "the last may have sent something yet, and the first is shared");
});
