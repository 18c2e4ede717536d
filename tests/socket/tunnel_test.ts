import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import { Backlog, Unsent } from "../../supabase/functions/relay/peer/unsent.ts";
import type { Message } from "../../supabase/functions/relay/runtime.ts";
import { Lane } from "../../supabase/functions/relay/socket/lane.ts";
import type { Judgement } from "../../supabase/functions/relay/socket/pushes.ts";
import { FakeTime } from "../support/fake_time.ts";
import { startSession } from "./support/session.ts";
import { CuttableSocket, SilentSocket } from "./support/silent_socket.ts";

/** Lets promises go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => resolve()));

const JOIN = '["1","1","realtime:a","phx_join",{"config":{}}]';

Deno.test("a client that does not answer its close has its place until it is gone", async () => {
  using time = new FakeTime();
  const { session, client, upstream, places, state } = startSession();
  client.open();
  assert.deepEqual(places.counts, { waiting: 0, dialling: 0, open: 1, closing: 0, refused: 0 });
  session.end(new RelayError("restart", "The worker is ending."));
  assert.deepEqual(places.counts, { waiting: 0, dialling: 0, open: 0, closing: 1, refused: 0 });
  time.until(1_000);
  upstream.end(1000);
  time.until(3_600_000);
  await settle();
  assert.equal(state.summary?.code, 1012, "somebody waits for it for ever");
  assert.equal(places.counts.closing, 1);
  client.end(1006);
  await settle();
  assert.deepEqual([places.counts.closing, places.admitted], [0, 0]);
});

Deno.test("where the host can cut a client that does not answer its close, it is cut", async () => {
  using time = new FakeTime();
  const { session, client, places } = startSession(new CuttableSocket());
  client.open();
  session.end(new RelayError("restart", "The worker is ending."));
  time.until(4_900);
  assert.equal(client.readyState, 2, "it has some time to answer");
  time.until(5_100);
  await settle();
  assert.deepEqual([client.readyState, places.admitted], [3, 0]);
});

Deno.test("a client that left before its socket opened gives its place back", async () => {
  using time = new FakeTime();
  const { places, state } = startSession();
  time.until(9_900);
  assert.equal(places.admitted, 1);
  time.until(15_100);
  await settle();
  assert.deepEqual([places.admitted, state.summary?.code], [0, 1006]);
});

Deno.test("a client that opens when it was given up is closed with a code that may be sent", async () => {
  using time = new FakeTime();
  const { client } = startSession();
  time.until(10_000);
  client.open();
  time.until(11_000);
  await settle();
  assert.deepEqual(client.closes.map(({ code }) => code), [4502]);
});

Deno.test("a client that was gone before anybody listened gives its place back as soon", async () => {
  using time = new FakeTime();
  const gone = new SilentSocket();
  gone.end(1006);
  const { places, state } = startSession(gone);
  time.until(15_100);
  await settle();
  assert.deepEqual([places.admitted, state.summary?.code], [0, 1006]);
});

const thrower = () => {
  throw new TypeError("a bug");
};

/** Handlers of the relay's own that a bug may be in. */
const BUGS: Record<string, (it: ReturnType<typeof startSession>) => void> = {
  "a client's message": ({ client, upstream }) => {
    upstream.send = thrower;
    client.receive(JOIN);
  },
  "a message of Realtime's": ({ client, upstream }) => {
    client.send = thrower;
    upstream.receive("x");
  },
  "a bad escape in a message of Realtime's": ({ session, client, upstream }) => {
    client.receive(JOIN);
    client.receive('["1","2","realtime:a","access_token",{"access_token":"x"}]');
    session.end = thrower;
    upstream.receive('[null,null,"\\x","broadcast",{}]');
    client.send = thrower;
    upstream.receive('[null,null,"realtime:b","broadcast",{}]');
  },
  "a heartbeat": ({ session, upstream, clock }) => {
    upstream.send = thrower;
    clock.ms += 60_000;
    session.tick();
  },
  "what waited for the client": ({ client }) => {
    client.send = thrower;
  },
};

for (const [what, meet] of Object.entries(BUGS)) {
  Deno.test(`an error at ${what} ends that tunnel, with 1011, and is told`, async () => {
    using time = new FakeTime();
    const set = startSession();
    const { client, upstream, state } = set;
    if (what.startsWith("what waited")) upstream.receive("x");
    else client.open();
    meet(set);
    client.open();
    time.until(10_000);
    await settle();
    assert.deepEqual([client.closes[0]?.code, upstream.closes[0]?.code], [1011, 1000]);
    assert.deepEqual([state.summary?.by, state.summary?.error?.code], ["relay", "internal"]);
  });
}

/** One direction of a tunnel, in which "slow" is judged when the test says so. */
function startLane(maxUnsent: number, unsent = new Unsent(maxUnsent)) {
  const frame = { topic: "realtime:a", event: "broadcast" };
  const { promise, resolve } = Promise.withResolvers<Judgement>();
  const sent: Message[] = [];
  const ended: unknown[] = [];
  const socket = { readyState: 1, bufferedAmount: 0 } as const;
  const lane = new Lane(
    { send: (message) => sent.push(message) },
    new Backlog(unsent, socket),
    { end: (error) => ended.push((error as RelayError).code) },
    { judge: (message) => message === "slow" ? promise : { message, frame } },
  );
  return { lane, sent, ended, decide: () => resolve({ message: "slow", frame }) };
}

Deno.test("what follows a message that is being judged waits for it, in its order", async () => {
  const { lane, sent, ended, decide } = startLane(1_000);
  for (const message of ["a", "slow", "b", "c"]) lane.push(message);
  assert.deepEqual(sent, ["a"]);
  decide();
  await settle();
  assert.deepEqual([sent, ended], [["a", "slow", "b", "c"], []]);
});

Deno.test("to send on what waited costs as much for each message, however many there are", async () => {
  const timeFor = async (count: number) => {
    const { lane, sent, decide } = startLane(64 << 20);
    lane.push("slow");
    for (let n = 0; n < count; n++) lane.push("");
    const start = performance.now();
    decide();
    await settle();
    assert.equal(sent.length, 1 + count);
    return performance.now() - start;
  };
  await timeFor(1_000); // For the compiler.
  const [few, many] = [[], []] as number[][];
  for (let n = 0; n < 9; n++) {
    few.push(await timeFor(25_000));
    many.push(await timeFor(200_000));
  }
  // Eight is linear, sixty-four quadratic.
  const times = Math.min(...many) / Math.min(...few);
  assert.ok(times < 24, `eight times as many took ${times} times as long`);
});

Deno.test("what waits is judged no more when the tunnel is over", async () => {
  const { promise, reject } = Promise.withResolvers<Judgement>();
  for (const first of ["slow", "wrong"]) {
    const unsent = new Unsent(1_000);
    let [judged, ends] = [0, 0];
    const wrong = new RelayError("too_many_frames", "");
    const lane = new Lane(
      { send() {} },
      new Backlog(unsent, { readyState: 1, bufferedAmount: 0 }),
      { end: () => ends++ },
      {
        judge(message) {
          if (judged++ > 0) throw wrong;
          return message === "slow" ? promise : Promise.resolve(undefined);
        },
      },
    );
    for (const message of [first, "a", "b", "c"]) lane.push(message);
    reject(wrong);
    await settle();
    assert.deepEqual([judged, ends], first === "slow" ? [1, 1] : [2, 1], first);
    assert.ok(unsent.take(4_000), "what it kept is given back");
  }
});

Deno.test("what waits for judgements is bounded over all sockets, but for a little of each", async () => {
  const unsent = new Unsent(100_000);
  const lanes = Array.from({ length: 8 }, () => startLane(100_000, unsent));
  for (const { lane } of lanes) for (const message of ["slow", LARGE]) lane.push(message);
  // Of the four times that one may have, each takes 74 kB.
  assert.deepEqual(lanes.map(({ ended }) => ended.length), [0, 0, 0, 0, 0, 1, 1, 1]);
  const small = startLane(100_000, unsent);
  for (const message of ["slow", "x".repeat(10_000)]) small.lane.push(message);
  assert.deepEqual(small.ended, []);
  lanes[0].decide();
  await settle();
  assert.equal(lanes[0].sent.length, 2);
  lanes[1].lane.forget();
  const next = [0, 1, 2].map(() => startLane(100_000, unsent));
  for (const { lane } of next) for (const message of ["slow", LARGE]) lane.push(message);
  assert.deepEqual(next.map(({ ended }) => ended.length), [0, 0, 1], "the room of two is free");
});

const LARGE = "x".repeat(90_000);

Deno.test("what waits for a judgement is bounded, empty messages too", () => {
  for (const [message, most] of [["x".repeat(400), 2], ["", 16]] as const) {
    const { lane, ended } = startLane(1_024);
    lane.push("slow");
    let held = 0;
    while (ended.length === 0 && held < 100) {
      lane.push(message);
      held++;
    }
    // The one who sends too much, and not one who does not read.
    assert.deepEqual([held, ended], [most + 1, ["too_big"]]);
  }
});
