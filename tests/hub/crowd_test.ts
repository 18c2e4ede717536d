import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Bucket } from "../../supabase/functions/relay/peer/budget.ts";
import type { Frame } from "../../supabase/functions/relay/realtime/phoenix.ts";
import { CONFIG, type FakeClient, Stage, test } from "../support/hub/stage.ts";
import { FakeSocket } from "../support/hub/fake_socket.ts";
import { BOB, sign } from "../support/tokens.ts";

const TOPIC = "realtime:clicks";
const BROADCASTS = { ...CONFIG, postgres_changes: [] };

const filtered = (n: number) => ({
  ...CONFIG,
  postgres_changes: [{ ...CONFIG.postgres_changes[0], filter: `slug=eq.${n}` }],
});

/** Joins that came in each second of the stage's clock. */
function countJoins(stage: Stage): number[] {
  const seconds: number[] = [];
  const begin = stage.clock.now();
  const judge = stage.realtime.judge;
  stage.realtime.judge = (join, line) => {
    const second = Math.floor((stage.clock.now() - begin) / 1000);
    seconds[second] = (seconds[second] ?? 0) + 1;
    return judge(join, line);
  };
  return seconds;
}

/** Realtime's own rule: above the rate the join is refused, and the whole socket ended. */
function limitJoins(stage: Stage, perSecond: number): void {
  const bucket = new Bucket(perSecond, 10 * perSecond, stage.clock.now);
  stage.realtime.judge = (_, { socket }) => {
    if (bucket.take()) return undefined;
    setImmediate(() => socket.end(1001));
    return "ClientJoinRateLimitReached: Too many joins per second";
  };
}

test("who joins ever other channels takes no channel of the others, and no rate of the hub's", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  limitJoins(stage, 30);
  const others: FakeClient[] = [];
  for (let n = 0; n < 30; n++) others.push(await stage.view(`realtime:page${n % 10}`, BROADCASTS));
  const joins = countJoins(stage);
  const churner = await stage.open();
  let sent = 0;
  for (let second = 0; second < 10; second++) {
    for (let n = 0; n < 100; n++) {
      const ref = churner.join(`realtime:other${second}-${n}`, BROADCASTS);
      churner.send(`realtime:other${second}-${n}`, "phx_leave", {}, ref);
      if (n % 10 === 9) await clock.pass(100);
      if (n % 10 !== 9) continue;
      sent++;
      for (let page = 0; page < 10; page++) {
        realtime.emit(`realtime:page${page}`, "broadcast", { event: "x", payload: sent });
      }
    }
  }
  await clock.pass(5_000);
  for (const client of others) {
    const got = client.frames.filter(({ event }) => event === "broadcast");
    assert.deepEqual(
      got.map(({ payload }) => (payload as { payload: number }).payload),
      [
        ...Array(sent).keys(),
      ].map((n) => n + 1),
    );
  }
  assert.ok(Math.max(...joins.slice(1)) <= 100, `joins a second: ${joins}`);
  assert.ok(!stage.log.some(({ event }) => event === "hub_lost"));
});

test("who begins more channels than a page has begins them at a cost of their own", async () => {
  using stage = new Stage();
  const churner = await stage.open();
  for (let n = 0; n < 110; n++) {
    const ref = churner.join(`realtime:page${n}`, BROADCASTS);
    await stage.clock.settle(1);
    churner.send(`realtime:page${n}`, "phx_leave", {}, ref);
  }
  await stage.clock.settle();
  const { groups, upstreams } = await stage.hub();
  assert.deepEqual([groups, upstreams], [100, 1]);
  assert.deepEqual([stage.realtime.joins().length, stage.realtime.lines.size], [110, 2]);
});

test("the joins that are shared have a bound in their sum: strangers write them", async () => {
  using stage = new Stage();
  const { clock } = stage;
  const long = (n: number) => ({
    ...CONFIG,
    postgres_changes: [{
      ...CONFIG.postgres_changes[0],
      filter: `slug=eq.${n}${"ж".repeat(7_800)}`,
    }],
  });
  const begin = async (count: number) => {
    for (let n = 0; n < count; n++) {
      if (n % 100 === 0) await stage.open();
      stage.clients.at(-1)!.join(`realtime:long${n}`, long(n));
      await clock.pass(60);
    }
  };
  await begin(700);
  const { groups } = await stage.hub();
  assert.ok(groups * 8_000 < 4.2e6, `${groups} groups`);
  const answers = stage.clients.flatMap((it) => it.heard()).filter((it) => /^phx_reply/.test(it));
  assert.equal(answers.filter((it) => /ok$/.test(it)).length, 700, "others have their own");
  for (const { socket } of stage.clients) socket.end(1001);
  await clock.pass(6_000);
  assert.equal((await stage.hub()).groups, 0);
  await stage.view(TOPIC, long(0));
  assert.equal((await stage.hub()).groups, 1, "what is over counts no more");
});

test("who comes when a hundred joins wait for their turn does not wait behind them", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  for (const name of ["a", "b", "c"]) {
    const page = await stage.open();
    for (let n = 0; n < 100; n++) page.join(`realtime:${name}${n}`, BROADCASTS);
    await clock.settle();
  }
  const came = (name: string) =>
    realtime.joins().filter(({ topic }) => topic.startsWith(`realtime:${name}`)).length;
  assert.deepEqual(["a", "b", "c"].map(came), [100, 0, 100]);
  await clock.pass(5_100);
  assert.equal(came("b"), 100);
});

test("after a loss the hub joins its channels again at a pace that Realtime takes", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  for (let n = 0; n < 200; n++) {
    await stage.view(`realtime:page${n}`, BROADCASTS);
    await clock.pass(100);
  }
  const joins = countJoins(stage);
  realtime.cut();
  await clock.pass(30_000);
  assert.equal(joins.reduce((sum, count) => sum + (count ?? 0), 0), 200);
  assert.ok(Math.max(...joins.map((count) => count ?? 0)) <= 130, `joins a second: ${joins}`);
  for (const client of stage.clients) assert.equal(client.heard().at(-1), "system gap");
});

test("where Realtime takes fewer channels on a socket than the relay, nobody is refused for others", async () => {
  using stage = new Stage({ RELAY_MAX_JOINS: "500" });
  const { clock, realtime } = stage;
  let refused = 0;
  realtime.judge = (_, { channels }) => {
    if (channels.size < 5) return undefined;
    refused++;
    return "ChannelRateLimitReached: Too many channels";
  };
  const viewers: FakeClient[] = [];
  for (let n = 0; n < 12; n++) viewers.push(await stage.view(`realtime:page${n}`, BROADCASTS));
  for (const viewer of viewers) assert.deepEqual(viewer.heard(), ["phx_reply 1 ok"]);
  assert.equal(refused, 2, "each socket of the hub learns it once");
  for (const line of [...realtime.lines]) if (line.channels.size === 5) line.socket.end(1006);
  await clock.pass(5_000);
  assert.equal(refused, 2);
  for (let n = 0; n < 12; n++) realtime.emit(`realtime:page${n}`, "broadcast", { event: "x" });
  await clock.settle();
  for (const viewer of viewers) assert.equal(viewer.heard().at(-1), "broadcast x");
});

test("more joins than Realtime takes on a socket, all at once, do not end what it took", async () => {
  using stage = new Stage({ RELAY_MAX_JOINS: "500" });
  const { clock, realtime } = stage;
  realtime.judge = (_, { channels }) =>
    channels.size < 5 ? undefined : "ChannelRateLimitReached: Too many channels";
  const viewers: FakeClient[] = [];
  for (let n = 0; n < 12; n++) viewers.push(await stage.open());
  viewers.forEach((viewer, n) => viewer.join(`realtime:page${n}`, BROADCASTS));
  await clock.pass(1_000);
  for (const viewer of viewers) assert.deepEqual(viewer.heard(), ["phx_reply 1 ok"]);
});

test("a rejoin that Realtime has no room for is tried again, and its viewers stay", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const viewer = await stage.view(TOPIC, BROADCASTS);
  let busy = 2;
  realtime.judge = () => busy-- > 0 ? "IncreaseConnectionPool: Please increase" : undefined;
  realtime.cut();
  await clock.pass(5_000);
  assert.deepEqual(viewer.heard(), ["phx_reply 1 ok", "system gap"]);
  realtime.emit(TOPIC, "broadcast", { event: "x" });
  await clock.settle();
  assert.equal(viewer.heard().at(-1), "broadcast x");
});

test("a join that is to be sent again goes once on a socket that was opened meanwhile", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const busy = ["IncreaseConnectionPool: Please increase"];
  realtime.judge = () => busy.pop();
  const viewer = await stage.view(TOPIC, BROADCASTS);
  realtime.cut();
  await clock.pass(600);
  assert.deepEqual(viewer.heard(), ["phx_reply 1 ok"]);
  // A further join would be on its way, and what comes until its answer would count as an earlier one's.
  realtime.delay = () => {};
  await clock.pass(1_000);
  realtime.emit(TOPIC, "broadcast", { event: "x" });
  await clock.settle();
  assert.equal(viewer.heard().at(-1), "broadcast x");
  assert.equal(realtime.joins().length, 2);
});

test("only a heartbeat as old as the bound is lost: one that is on its way costs nobody anything", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  // Every answer takes 300 ms.
  realtime.latency = (answer) => void setTimeout(answer, 300);
  const mover = await stage.open();
  const other = await stage.open();
  const topics = Array.from({ length: 20 }, (_, n) => `realtime:room${n}`);
  for (const topic of topics) other.join(topic, BROADCASTS);
  await clock.pass(1_000);
  // A push takes a viewer to a channel of its own, for which the hub asks its socket whether all has
  // come: at any moment such a question is open. No more joins than a client may pay for.
  const joined: string[] = [];
  for (let n = 0; n < 600; n++) {
    joined.push(mover.join(topics[n % 20], BROADCASTS));
    if (n >= 5) mover.send(topics[(n - 5) % 20], "broadcast", { event: "x" });
    if (n >= 15) mover.send(topics[(n - 15) % 20], "phx_leave", {}, joined[n - 15]);
    await clock.pass(100);
  }
  assert.ok(!stage.log.some(({ event }) => event === "hub_lost"));
  assert.ok(!other.heard().includes("system gap"));
});

test("what waits while channels are moved is bounded for each viewer, not for each channel", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const viewer = await stage.open();
  for (let n = 0; n < 40; n++) viewer.join(`realtime:room${n}`, BROADCASTS);
  await clock.settle();
  realtime.judge = () => null;
  const padding = "x".repeat(1_000_000);
  let held = 0;
  for (let n = 0; n < 40 && viewer.socket.readyState === 1; n++) {
    for (let time = 0; time < 12 && viewer.socket.readyState === 1; time++) {
      viewer.send(
        `realtime:room${n}`,
        "broadcast",
        { event: "x", payload: padding },
        String(n + 1),
      );
      held += padding.length;
      await clock.pass(60);
    }
  }
  assert.ok(held <= 18_000_000, `${held} bytes waited`);
  assert.ok(viewer.socket.closedWith!.code > 4400, "and it is told");
});

test("viewers of one wire format leave room for those of the other", async () => {
  using stage = new Stage();
  const greedy: FakeClient[] = [];
  for (let n = 0; n < 16; n++) greedy.push(await stage.open(undefined, "1.0.0"));
  greedy.forEach((client, n) => client.join(TOPIC, filtered(n)));
  await stage.clock.settle();
  const dials = stage.realtime.dials;
  for (let n = 0; n < 60; n++) await stage.view(TOPIC, CONFIG, undefined, "2.0.0");
  assert.equal(stage.realtime.dials - dials, 1);
});

for (const ref of [7, -1.5e3, 'quo"te', "back\\slash", "\u0001", "ü☃", "", null]) {
  test(`a ref is what JSON allows, as in Realtime: ${JSON.stringify(ref)}`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const client = await stage.open();
    const say = (event: string, payload: unknown, own: unknown) =>
      client.socket.receive(JSON.stringify([ref, own, TOPIC, event, payload]));
    say("phx_join", { config: BROADCASTS }, ref ?? "1");
    await clock.settle();
    realtime.emit(TOPIC, "broadcast", { event: "before" });
    say("broadcast", { event: "push" }, "2");
    await clock.pass(12_000);
    realtime.emit(TOPIC, "broadcast", { event: "after" });
    await clock.settle();
    const [reply] = client.frames;
    assert.deepEqual([reply.join_ref, reply.ref], [ref, ref ?? "1"]);
    const events = client.frames.filter(({ event }) => event === "broadcast");
    assert.deepEqual(events.map(({ payload }) => (payload as { event: string }).event), [
      "before",
      "after",
    ]);
    assert.equal(client.socket.readyState, 1);
  });
}

/** What no JSON parser takes, or what is no frame of Realtime's. */
const BROKEN = [
  '[null,null,"realtime:clicks\\q","broadcast",{}]',
  '[null,null,"\\u12","broadcast",{}]',
  "[null,null,",
  "",
  "null",
  '{"ref":null,"event":"broadcast","topic":"\\x"}',
  "[".repeat(100_000),
  '[null,null,"realtime:clicks","phx_reply",null]',
  '["1","1","realtime:clicks","phx_reply",7]',
];

for (const broken of BROKEN) {
  test(`nothing that upstream sends ends the worker: ${broken.slice(0, 50)}`, async () => {
    using stage = new Stage();
    const clients = [await stage.view(TOPIC), await stage.open(await sign({ sub: BOB }))];
    clients[1].join(TOPIC);
    await stage.clock.settle();
    for (const { socket } of stage.realtime.lines) socket.receive(broken);
    await stage.clock.pass(20_000);
    const later = await stage.view(TOPIC);
    assert.ok(later.heard().includes("phx_reply 1 ok"));
    stage.realtime.emit(TOPIC, "broadcast", { event: "x" });
    await stage.clock.settle();
    assert.equal(later.heard().at(-1), "broadcast x");
  });
}

const joinsOf = (frames: Frame[]) => frames.filter(({ event }) => event === "phx_join").length;

test("the page that restores a hundred channels at once is served by the hub", async () => {
  using stage = new Stage();
  const client = await stage.open();
  for (let n = 0; n < 100; n++) client.join(`realtime:page${n}`, BROADCASTS);
  await stage.clock.pass(1_000);
  assert.equal(client.heard().filter((what) => what.endsWith("ok")).length, 100);
  assert.deepEqual([stage.realtime.dials, joinsOf(stage.realtime.received)], [1, 100]);
});

test("what waits for sockets of viewers' own to open has a bound in the sum of all viewers", async () => {
  const max = 65_536;
  // Nobody answers the dial.
  const dial = () => new FakeSocket(() => {});
  using stage = new Stage({ RELAY_MAX_UNSENT_BYTES: String(max) }, { dial });
  const clients = [];
  for (let n = 0; n < 8; n++) {
    const client = await stage.open();
    const own = client.join("realtime:own", { presence: { enabled: true, key: "k" } });
    client.send("realtime:own", "broadcast", { event: "x".repeat(60_000) }, own);
    clients.push(client);
  }
  await stage.clock.pass(1_000);
  const codes = clients.map(({ socket }) => socket.closedWith?.code);
  // Four times what one viewer may, of 60 kB each.
  assert.deepEqual(codes.filter((code) => code === undefined).length, 4, `${codes}`);
  assert.ok(codes.every((code) => code === undefined || code === 4413), `${codes}`);
});
