import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import { Places } from "../../supabase/functions/relay/peer/places.ts";
import { createRefusals } from "../../supabase/functions/relay/say/refuse.ts";
import { text } from "../support/attack.ts";
import { FakeTime } from "../support/fake_time.ts";
import { CuttableSocket, SilentSocket } from "../socket/support/silent_socket.ts";

const error = new RelayError("token_missing", "The request carries no token.");

/** Refusals on a clock that the test moves, of which so many may wait. */
function start(most: number, delay = 10_000) {
  const config = readConfig({
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_ANON_KEY: "anon",
    RELAY_REFUSAL_MAX: String(most),
    RELAY_REFUSAL_DELAY_MS: String(delay),
  });
  const places = new Places();
  const reported: RelayError[] = [];
  const refusals = createRefusals(config, places, (it) => reported.push(it));
  /** Refuses a socket; `done` turns true when nobody waits for it any more. */
  function refuse<It extends SilentSocket>(socket: It) {
    const state = { socket, done: false };
    refusals.refuse(socket, error, "2.0.0").then(() => state.done = true);
    return state;
  }
  const isFull = () => {
    try {
      refusals.check();
      return false;
    } catch (thrown) {
      assert.equal((thrown as RelayError).code, "too_many_refusals");
      return true;
    }
  };
  return { places, reported, refuse, isFull };
}

/** Lets promises go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(() => resolve()));

Deno.test("a refused socket that does not answer its close has its place until it is gone", async () => {
  using time = new FakeTime();
  const { refuse, isFull, places } = start(2);
  const states = [refuse(new SilentSocket()), refuse(new SilentSocket())];
  assert.ok(isFull());
  for (const { socket } of states) socket.open();
  time.until(12_100);
  assert.deepEqual(states.map(({ socket }) => socket.closes.length), [1, 1]);
  assert.ok(isFull(), "asked to close is not closed");
  time.until(10 * 60_000);
  await settle();
  assert.deepEqual(states.map(({ done }) => done), [true, true], "somebody waits for it for ever");
  assert.ok(isFull(), "given up is not closed");
  assert.equal(places.counts.refused, 2);
  states[0].socket.end(1006);
  await settle();
  assert.ok(!isFull());
  states[0].socket.end(1006);
  await settle();
  assert.equal(places.counts.refused, 1);
});

Deno.test("where the host can cut a peer that does not answer its close, it is cut", async () => {
  using time = new FakeTime();
  const { refuse, isFull } = start(1);
  const state = refuse(new CuttableSocket());
  state.socket.open();
  time.until(12_100);
  assert.equal(state.socket.readyState, 2, "it has some time to answer");
  time.until(22_100);
  await settle();
  assert.deepEqual([state.socket.readyState, state.done, isFull()], [3, true, false]);
});

Deno.test("a refused socket that never opens gives its place back: nobody tells its end", async () => {
  using time = new FakeTime();
  const { refuse, isFull } = start(1);
  const { socket } = refuse(new SilentSocket());
  time.until(22_100);
  await settle();
  assert.ok(!isFull());
  socket.end(1006);
  await settle();
  assert.ok(!isFull());
});

const join = (payload: string) => text("2.0.0", '"realtime:a"', '"phx_join"', payload);

const FLOODS: Record<string, string[]> = {
  "many joins": Array(1_000).fill(join("{}")),
  "many frames that are none": Array(1_000).fill("x"),
  "few that are long": Array(255).fill(join(`"${"x".repeat(65_000)}"`)),
  "few that are nested": Array(255).fill(join("[".repeat(65_000))),
  "one that is longer": ["[".repeat(4_900_000)],
};

for (const [what, flood] of Object.entries(FLOODS)) {
  Deno.test(`a refused client that sends ${what} is closed at once, and little of it is looked at`, () => {
    using time = new FakeTime();
    const { socket } = start(1).refuse(new SilentSocket());
    socket.open();
    let looked = 0;
    const { charCodeAt } = String.prototype;
    String.prototype.charCodeAt = function (at) {
      looked++;
      return charCodeAt.call(this, at);
    };
    try {
      for (const message of flood) socket.receive(message);
    } finally {
      String.prototype.charCodeAt = charCodeAt;
    }
    time.until(600);
    assert.deepEqual(socket.closes[0], { code: 4401, reason: error.reason });
    assert.ok(socket.got.length <= 128, `${socket.got.length} answers`);
    assert.ok(looked < 300 * 200, `${looked} characters were looked at`);
  });
}

Deno.test("a refused client that reads no answer is closed at once, before much waits for it", () => {
  using time = new FakeTime();
  const { socket } = start(1).refuse(new SilentSocket());
  socket.open();
  socket.isReading = false;
  // A name may have 1,024 characters, each of which takes three bytes on its way.
  const name = JSON.stringify("\u3042".repeat(1_000));
  for (let n = 0; n < 80; n++) socket.receive(`[${name},${name},${name},"phx_join",{}]`);
  assert.ok(socket.bufferedAmount < 80_000, `${socket.bufferedAmount} bytes wait`);
  time.until(600);
  assert.deepEqual(socket.closes[0], { code: 4401, reason: error.reason });
});

Deno.test("a page with a hundred channels is answered on each, and has all of the delay", () => {
  using time = new FakeTime();
  const { socket } = start(1).refuse(new SilentSocket());
  socket.open();
  for (let n = 0; n < 100; n++) {
    socket.receive(join(`{"config":{},"access_token":"${"x".repeat(1_500)}"}`));
  }
  for (let n = 0; n < 100; n++) socket.receive('[null,"9","phoenix","heartbeat",{}]');
  time.until(7_900);
  assert.equal(socket.got.length, 100);
  assert.deepEqual(socket.closes, []);
});

Deno.test("an error in the relay's own handler ends that socket, and is told", () => {
  using time = new FakeTime();
  const { refuse, reported } = start(1);
  const { socket } = refuse(new SilentSocket());
  socket.open();
  socket.send = () => {
    throw new TypeError("a bug");
  };
  socket.receive(join("{}"));
  time.until(600);
  assert.deepEqual(reported.map(({ code }) => code), ["internal"]);
  assert.equal(socket.closes[0].code, 1011);
});
