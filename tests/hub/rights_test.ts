import assert from "node:assert/strict";
import { Pace } from "../../supabase/functions/relay/hub/pace.ts";
import { Rights } from "../../supabase/functions/relay/hub/rights.ts";
import type { Dialled, Listener } from "../../supabase/functions/relay/realtime/dial.ts";
import {
  encodeServerFrame,
  type Frame,
  parseFrame,
} from "../../supabase/functions/relay/realtime/phoenix.ts";
import { Clock } from "../support/hub/clock.ts";
import { CONFIG, type FakeClient, Stage, test } from "../support/hub/stage.ts";

const TOPIC = "realtime:clicks:x";
const PRIVATE = { ...CONFIG, postgres_changes: [], private: true };

/** A Realtime whose database says who may read private topics. */
class Database {
  mayRead = true;
  constructor(readonly stage: Stage) {
    stage.realtime.judge = (join) => this.mayRead || !isPrivate(join) ? undefined : UNAUTHORIZED;
  }
}

const UNAUTHORIZED = "Unauthorized: You do not have permissions to read from this Channel topic";
const isPrivate = ({ payload }: Frame) =>
  (payload as { config?: { private?: boolean } }).config?.private === true;

/** The joins that ask for a right and nothing else. */
const questions = (stage: Stage) =>
  stage.realtime.joins().filter(({ payload }) =>
    JSON.stringify(payload) === '{"config":{"private":true}}'
  );
const said = (client: FakeClient) => client.heard().map((what) => what.replace(/:.*/, ""));

for (const vsn of ["2.0.0", "1.0.0"] as const) {
  test(`a newcomer to a private channel is judged as Realtime judges it now, in vsn ${vsn}`, async () => {
    using stage = new Stage();
    const database = new Database(stage);
    const { clock, realtime } = stage;
    const first = await stage.view(TOPIC, PRIVATE, undefined, vsn);
    await clock.pass(60_000);
    database.mayRead = false;
    await clock.pass(5_001);
    const late = await stage.view(TOPIC, PRIVATE, undefined, vsn);
    assert.deepEqual(said(late), ["phx_reply 1 error Unauthorized"]);
    realtime.emit(TOPIC, "broadcast", { event: "click", payload: {} });
    await clock.settle();
    assert.deepEqual(said(first), ["phx_reply 1 ok", "broadcast click"], "whoever is in stays in");
    assert.deepEqual(said(late).length, 1, "and who is not gets nothing");
    database.mayRead = true;
    late.join(TOPIC, PRIVATE);
    await clock.settle();
    assert.equal(said(late).at(-1), "phx_reply 2 ok");
    realtime.emit(TOPIC, "broadcast", { event: "click", payload: {} });
    await clock.settle();
    assert.equal(said(late).at(-1), "broadcast click");
    assert.equal(questions(stage).length, 3);
  });
}

test("an answer lets newcomers in for five seconds from when it was asked for", async () => {
  using stage = new Stage();
  const database = new Database(stage);
  await stage.view(TOPIC, PRIVATE);
  database.mayRead = false;
  await stage.clock.pass(5_000);
  assert.deepEqual(said(await stage.view(TOPIC, PRIVATE)), ["phx_reply 1 ok"]);
  assert.equal(questions(stage).length, 1, "that of the first");
  await stage.clock.pass(1);
  assert.deepEqual(said(await stage.view(TOPIC, PRIVATE)), ["phx_reply 1 error Unauthorized"]);
});

test("many newcomers are one question, and a public channel asks none", async () => {
  using stage = new Stage();
  new Database(stage);
  await stage.view(TOPIC, PRIVATE);
  await stage.view("realtime:open");
  await stage.clock.pass(10_000);
  const clients = await Promise.all(Array.from({ length: 50 }, () => stage.open()));
  for (const client of clients) client.join(TOPIC, PRIVATE);
  for (const client of clients) client.join("realtime:open");
  await stage.clock.settle();
  for (const client of clients) assert.ok(client.heard().includes("phx_reply 1 ok"));
  assert.equal(questions(stage).length, 2, "the first asked as well");
  assert.equal(stage.realtime.joins().length, 4);
});

test("an answer that was long on its way lets nobody in: each asks by a socket of its own", async () => {
  using stage = new Stage();
  const database = new Database(stage);
  const { clock, realtime } = stage;
  await stage.view(TOPIC, PRIVATE);
  await clock.pass(10_000);
  const held: (() => void)[] = [];
  realtime.delay = (reply) => void held.push(reply);
  const late = await stage.view(TOPIC, PRIVATE);
  assert.equal(held.length, 1, "the question");
  database.mayRead = false;
  await clock.pass(5_001);
  realtime.delay = undefined;
  held[0]();
  await clock.settle();
  assert.deepEqual(said(late), ["phx_reply 1 error Unauthorized"]);
});

test("too many joins, or a pool that is busy, refuse nobody: they are asked again", async () => {
  const reasons = [
    "ClientJoinRateLimitReached: Too many joins per second",
    "IncreaseConnectionPool: Please increase your connection pool size",
  ];
  for (const reason of reasons) {
    using stage = new Stage();
    await stage.view(TOPIC, PRIVATE);
    await stage.clock.pass(10_000);
    let busy = 2;
    stage.realtime.judge = () => busy-- > 0 ? reason : undefined;
    const late = await stage.view(TOPIC, PRIVATE);
    assert.deepEqual(said(late), []);
    await stage.clock.pass(3_000);
    assert.deepEqual(said(late), ["phx_reply 1 ok"]);
  }
});

test("the socket that asks is closed when it has nothing to ask, and one that is lost is made anew", async () => {
  using stage = new Stage();
  new Database(stage);
  const { clock, realtime } = stage;
  const first = await stage.view(TOPIC, PRIVATE);
  await clock.pass(10_000);
  await stage.view(TOPIC, PRIVATE);
  assert.equal(realtime.lines.size, 2);
  for (const { channels } of realtime.lines) assert.ok(channels.size < 2, "the question is left");
  await clock.pass(20_000);
  assert.equal(realtime.lines.size, 1);
  realtime.cut();
  await clock.pass(10_000);
  assert.deepEqual(said(await stage.view(TOPIC, PRIVATE)), ["phx_reply 1 ok"]);
  for (const { socket } of stage.clients) socket.end(1001);
  await clock.pass(60_000);
  assert.deepEqual([first.socket.closedWith?.code, clock.pending, realtime.lines.size], [
    1001,
    0,
    0,
  ]);
});

test("refusals, which take Realtime 5 s each, are no business of those who share a socket", async () => {
  using stage = new Stage();
  const database = new Database(stage);
  const { clock, realtime } = stage;
  const viewers = [await stage.view(TOPIC, PRIVATE), await stage.view("realtime:open")];
  const shared = [...realtime.lines].filter(({ channels }) => channels.size > 0);
  database.mayRead = false;
  const stranger = await stage.open();
  const before = realtime.joins().length;
  for (let n = 0; n < 20; n++) stranger.join(`realtime:secret${n}`, PRIVATE);
  await clock.pass(30_000);
  assert.equal(realtime.joins().length - before, 20);
  assert.equal(said(stranger).filter((what) => what.includes("Unauthorized")).length, 20);
  assert.deepEqual(
    realtime.refused.filter((line) => shared.includes(line)),
    [],
    "on a shared socket",
  );
  for (const [n, topic] of [TOPIC, "realtime:open"].entries()) {
    realtime.emit(topic, "broadcast", { event: "x" });
    await clock.settle();
    assert.equal(said(viewers[n]).at(-1), "broadcast x");
  }
});

test("a topic without a name, which Realtime refuses to everybody, is asked for on nobody else's socket", async () => {
  using stage = new Stage();
  const { realtime } = stage;
  realtime.judge = ({ topic }) => topic === "realtime:" ? "TopicNameRequired: no name" : undefined;
  await stage.view("realtime:page");
  for (const config of [CONFIG, PRIVATE]) {
    const nameless = await stage.view("realtime:", config);
    assert.deepEqual(said(nameless), ["phx_reply 1 error TopicNameRequired"]);
  }
  const { line } = realtime.channels.find(({ join }) => join.topic === "realtime:page")!;
  assert.ok(!realtime.refused.includes(line), "for 5 s it would hear nothing");
});

test("nobody waits for the refusals of others: who would asks by a socket of its own", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  realtime.judge = ({ topic }) => topic.includes("secret") ? UNAUTHORIZED : undefined;
  const held: (() => void)[] = [];
  realtime.delay = (reply) => void held.push(reply);
  const stranger = await stage.open();
  for (let n = 0; n < 20; n++) stranger.join(`realtime:secret${n}`, PRIVATE);
  await clock.settle();
  realtime.delay = undefined;
  const viewer = await stage.view(TOPIC, PRIVATE);
  await clock.pass(2_000);
  assert.deepEqual(said(viewer), ["phx_reply 1 ok"]);
  for (const answer of held) answer();
  await clock.settle();
  assert.equal(said(stranger).filter((what) => what.includes("Unauthorized")).length, 20);
});

Deno.test("eight questions are asked at once, 32 wait for a second, and others ask by sockets of their own", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const held: (() => void)[] = [];
  realtime.delay = (reply) => void held.push(reply);
  const stranger = await stage.open();
  for (let n = 0; n < 50; n++) stranger.join(`realtime:secret${n}`, PRIVATE);
  await clock.settle();
  const alone = () => realtime.joins().length - questions(stage).length;
  assert.deepEqual([questions(stage).length, alone()], [8, 10]);
  await clock.pass(1_000);
  assert.deepEqual([questions(stage).length, alone()], [8, 42]);
});

Deno.test("while the worker stands still nobody waits too long for others", async () => {
  using stage = new Stage();
  const { clock, realtime } = stage;
  const held: (() => void)[] = [];
  realtime.delay = (reply) => void held.push(reply);
  const stranger = await stage.open();
  for (let n = 0; n < 8; n++) stranger.join(`realtime:other${n}`, PRIVATE);
  const viewer = await stage.view(TOPIC, PRIVATE);
  realtime.delay = undefined;
  clock.time += 5_000;
  await clock.pass(0);
  // What has come meanwhile is read behind the timers that are late.
  for (const answer of held) answer();
  await clock.settle();
  assert.deepEqual(said(viewer), ["phx_reply 1 ok"]);
  assert.equal(realtime.lines.size, 8 + 1, "the sockets that ask, and the one that is shared");
});

Deno.test("a question that nobody answers is given up before a client gives its join up", async () => {
  using stage = new Stage();
  stage.realtime.delay = () => {};
  await stage.view(TOPIC, PRIVATE);
  assert.equal(stage.realtime.joins().length, 1, "the question");
  await stage.clock.pass(9_000);
  stage.realtime.delay = undefined;
  await stage.clock.pass(6_000);
  assert.ok(stage.clients[0].heard().includes("phx_reply 1 ok"));
});

Deno.test("a socket that gave no answer in time is asked nothing more: it may be half open", async () => {
  using clock = new Clock();
  const { sockets, rights } = startRights();
  const right = rights.ask(TOPIC);
  await clock.pass(9_000);
  assert.equal(sockets.length, 1);
  await clock.pass(1_000);
  assert.deepEqual(sockets.map(({ asked }) => asked.length), [1, 1]);
  sockets[1].answer();
  assert.equal((await right)?.isGiven, true);
});

Deno.test("the late end of a socket that was given up says nothing of what is asked by the next", async () => {
  using clock = new Clock();
  const { sockets, rights } = startRights();
  const right = rights.ask(TOPIC);
  await clock.pass(10_000);
  sockets[0].end();
  await clock.settle();
  sockets[1].answer();
  assert.equal((await right)?.isGiven, true);
  assert.equal(sockets.length, 2);
});

Deno.test("who gets no answer where others are in asks by a socket of its own", async () => {
  using stage = new Stage();
  await stage.view(TOPIC, PRIVATE);
  await stage.clock.pass(10_000);
  stage.realtime.judge = ({ payload }) =>
    JSON.stringify(payload) === '{"config":{"private":true}}' ? null : undefined;
  const late = await stage.view(TOPIC, PRIVATE);
  assert.deepEqual(said(late), []);
  await stage.clock.pass(30_000);
  assert.deepEqual(said(late), ["phx_reply 1 ok"]);
});

/** Sockets that ask, each with the joins that wait there for an answer. */
function startRights() {
  const sockets: { asked: Frame[]; answer(): void; end(): void }[] = [];
  const dial = () => {
    let listener: Listener;
    const asked: Frame[] = [];
    sockets.push({
      asked,
      end: () => listener.onClose({ code: 1006, reason: "" }),
      answer() {
        const { ref, topic } = asked.shift()!;
        const payload = { status: "ok", response: {} };
        listener.onMessage(encodeServerFrame("2.0.0", { ref, topic, event: "phx_reply", payload }));
      },
    });
    return Promise.resolve({
      socket: { readyState: 1, close() {} },
      listen: (it: Listener) => listener = it,
      send(text: string) {
        const frame = parseFrame("2.0.0", text)!;
        if (frame.event === "phx_join") asked.push(frame);
      },
    } as unknown as Dialled);
  };
  const awake = { stoodSince: () => undefined, after: () => () => {} };
  return { sockets, rights: new Rights({ dial, pace: new Pace(() => 0), now: () => 0, awake }) };
}

for (const event of ["phx_close", "phx_error"] as const) {
  test(`who waits while the channel ends (${event}) is not let into what is over`, async () => {
    using stage = new Stage();
    const { clock, realtime } = stage;
    const member = await stage.view(TOPIC, PRIVATE);
    await clock.pass(10_000);
    const held: (() => void)[] = [];
    realtime.delay = (answer) => void held.push(answer);
    const late = await stage.view(TOPIC, PRIVATE);
    assert.equal(held.length, 1, "its right is asked");
    realtime.end(realtime.channels.find(({ join }) => join.topic === TOPIC)!, event);
    await clock.settle();
    assert.equal(member.heard().at(-1), `${event} 1`);
    realtime.delay = undefined;
    for (const answer of held) answer();
    await clock.settle();
    assert.deepEqual(said(late), ["phx_reply 1 ok"]);
    realtime.emit(TOPIC, "broadcast", { event: "click", payload: {} });
    await clock.settle();
    assert.deepEqual(said(late), ["phx_reply 1 ok", "broadcast click"]);
  });
}

Deno.test("a socket that has become free is asked one question, whoever comes at that moment", async () => {
  using clock = new Clock();
  for (let moment = 0; moment < 16; moment++) {
    const { sockets, rights } = startRights();
    for (let n = 0; n < 9; n++) rights.ask(`realtime:${n}`);
    await clock.settle();
    sockets[0].answer();
    for (let n = 0; n < moment; n++) await undefined;
    rights.ask("realtime:late");
    await clock.settle();
    assert.deepEqual(sockets.map(({ asked }) => asked.length), Array(8).fill(1), `${moment}`);
  }
});
