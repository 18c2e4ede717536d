import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import type { Socket } from "../../supabase/functions/relay/runtime.ts";
import { Awake } from "../../supabase/functions/relay/peer/awake.ts";
import { Kept, Unsent } from "../../supabase/functions/relay/peer/unsent.ts";
import { Held, MAX_HELD_LENGTH } from "../../supabase/functions/relay/waiting/held.ts";
import { Waiter } from "../../supabase/functions/relay/waiting/waiter.ts";
import { FakeSocket } from "../relay/support/fuzz/fake_runtime.ts";
import { FakeTime } from "../support/fake_time.ts";
import { PUBLISHABLE_KEY, SECRET_KEY } from "../support/tokens.ts";

const config = readConfig({
  SUPABASE_URL: "https://abc.supabase.co",
  SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
});

Deno.test("a socket for which nobody is named ends after ten seconds, whatever it says", async () => {
  using time = new FakeTime();
  const socket = new FakeSocket();
  const authenticator = { authenticate: () => Promise.reject(new RelayError("token_expired", "")) };
  const waiter = new Waiter({
    client: socket as unknown as Socket,
    vsn: "2.0.0",
    config,
    authenticator,
    runtime: { now: () => time.now },
    awake: new Awake(() => time.now, false),
    unsent: new Unsent(config.maxUnsentBytes),
  });
  socket.open();
  const ended = waiter.named.then(() => "named", (error) => error.code);
  for (let second = 1; second < 10; second++) {
    time.until(second * 1_000);
    socket.receive('[null,"1","phoenix","heartbeat",{}]');
    socket.receive('["1","1","realtime:a","phx_join",{"config":{}}]');
  }
  assert.equal(await Promise.race([ended, Promise.resolve("waits")]), "waits");
  time.until(10_000);
  assert.equal(await ended, "token_missing");
  assert.ok(waiter.hasWaited);
});

/** A waiter before an authenticator; `end` is why it ended, or "named". */
function startWaiter(
  authenticate: () => Promise<never>,
  env: Record<string, string> = {},
  unsent = new Unsent(config.maxUnsentBytes),
) {
  const socket = new FakeSocket();
  const waiter = new Waiter({
    client: socket as unknown as Socket,
    vsn: "2.0.0",
    config: readConfig({
      SUPABASE_URL: "https://abc.supabase.co",
      SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
      ...env,
    }),
    authenticator: { authenticate },
    runtime: { now: () => 0 },
    awake: new Awake(() => 0, false),
    unsent,
  });
  socket.open();
  return { socket, waiter, end: waiter.named.then(() => "named", (error) => error.code) };
}

const join = (token: string) =>
  JSON.stringify(["1", "1", "realtime:a", "phx_join", { config: {}, access_token: token }]);

Deno.test("a secret key, a large message or much behind a token ends a socket that is not named", async () => {
  const cases: [string, (string | ArrayBuffer)[]][] = [
    ["secret_key", [join(SECRET_KEY)]],
    ["too_big", ["x".repeat(5_000_001)]],
    ["too_big", [new ArrayBuffer(5_000_001)]],
    ["too_big", [join("a.b.c"), ...Array(9).fill("x".repeat(60_000))]],
    ["too_big", [join("a.b.c"), ...Array(257).fill("x")]],
  ];
  for (const [code, messages] of cases) {
    using _time = new FakeTime();
    const { socket, end } = startWaiter(() => new Promise(() => {}));
    for (const message of messages) socket.receive(message);
    assert.equal(await Promise.race([end, settled()]), code);
  }
});

const settled = () => new Promise((resolve) => setImmediate(() => resolve("it waits on")));

Deno.test("a token whose signature is checked costs a socket that is not named what it costs others", async () => {
  using _time = new FakeTime();
  let checks = 0;
  // A hundredth of a core: 200 ms of work at most.
  const { socket, end } = startWaiter(() => {
    checks++;
    return Promise.reject(new RelayError("token_signature", ""));
  }, { RELAY_CPU_SHARE: "1" });
  for (let n = 0; n < 400; n++) {
    socket.receive(join("a.b.c"));
    await settled();
  }
  assert.equal(await Promise.race([end, settled()]), "too_many_frames");
  assert.ok(checks > 100 && checks <= 200, `${checks}`);
});

Deno.test("what did not fit takes no room", () => {
  const held = new Held(new Kept(new Unsent(MAX_HELD_LENGTH), MAX_HELD_LENGTH));
  assert.throws(() => held.add({ message: "x".repeat(MAX_HELD_LENGTH + 1) }), { code: "too_big" });
  held.add({ message: "x".repeat(MAX_HELD_LENGTH) });
  assert.throws(() => held.add({ message: "x" }), { code: "too_big" });
});

Deno.test("what waits for tokens is bounded over all clients, but for a join and a token of each", async () => {
  using _time = new FakeTime();
  // All peers together: four times that.
  const unsent = new Unsent(65_536);
  const greedy = Array.from({ length: 8 }, () => startWaiter(never, {}, unsent));
  for (const { socket } of greedy) {
    for (const message of [join("a.b.c"), "x".repeat(60_000)]) socket.receive(message);
  }
  const ends = await Promise.all(greedy.map(({ end }) => Promise.race([end, settled()])));
  assert.equal(ends.filter((end) => end === "too_many_waiting").length, 2, ends.join());
  const small = startWaiter(never, {}, unsent);
  for (const message of [join("a.b.c"), "x".repeat(8_000)]) small.socket.receive(message);
  assert.equal(await Promise.race([small.end, settled()]), "it waits on");
  for (const { socket } of greedy) socket.close();
  await settled();
  const next = startWaiter(never, {}, unsent);
  for (const message of [join("a.b.c"), "x".repeat(60_000)]) next.socket.receive(message);
  assert.equal(await Promise.race([next.end, settled()]), "it waits on");
});

const never = () => new Promise<never>(() => {});
const heartbeat = (ref: string) => JSON.stringify([null, ref, "phoenix", "heartbeat", {}]);

/** A client that reads nothing. */
function startUnread(unsent?: Unsent) {
  const started = startWaiter(never, {}, unsent);
  const { socket } = started;
  socket.onSent = (message) => socket.bufferedAmount += (message as string).length;
  return started;
}

Deno.test("who is not named and reads no answer is ended before much waits for them", async () => {
  using _time = new FakeTime();
  const { socket, waiter, end } = startUnread();
  for (let n = 0; n < 1_000; n++) socket.receive(heartbeat("r".repeat(1_000)));
  assert.equal(await Promise.race([end, settled()]), "unread");
  assert.ok(socket.bufferedAmount <= MAX_HELD_LENGTH, `${socket.bufferedAmount}`);
  // It is closed at once: a further wait would slow nobody down.
  assert.ok(waiter.hasWaited);
});

Deno.test("answers that nobody reads count in what all peers of a worker may leave unread", async () => {
  using _time = new FakeTime();
  const unsent = new Unsent(65_536);
  const waiters = Array.from({ length: 12 }, () => startUnread(unsent));
  for (let n = 0; n < 60; n++) {
    for (const { socket } of waiters) socket.receive(heartbeat("r".repeat(1_000)));
  }
  const sum = waiters.reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  // Four times what one may, a sixteenth of that until it is counted, and an answer each.
  assert.ok(sum <= 4.25 * 65_536 + 12 * 1_100, `${sum}`);
  const ends = await Promise.all(waiters.map(({ end }) => Promise.race([end, settled()])));
  assert.ok(ends.includes("unread"));
});

Deno.test("a join is answered for want of a token also where none of its answers is read", async () => {
  using time = new FakeTime();
  const { socket, end } = startUnread();
  socket.receive('["1","1","realtime:a","phx_join",{"config":{}}]');
  socket.bufferedAmount = MAX_HELD_LENGTH;
  time.until(1_000);
  assert.equal(await Promise.race([end, settled()]), "unread");
});

Deno.test("a leave of another join leaves the one that waits, as in Realtime", () => {
  using time = new FakeTime();
  const { socket } = startWaiter(never);
  socket.receive('["1","1","realtime:a","phx_join",{"config":{}}]');
  socket.receive('["0","2","realtime:a","phx_leave",{}]');
  assert.deepEqual(socket.sent, []);
  time.until(1_000);
  const [[, ref, , event]] = socket.sent.map((text) => JSON.parse(String(text)));
  assert.deepEqual([ref, event], ["1", "phx_reply"]);
});

Deno.test("a leave of the join that waits is answered, and the join is not", () => {
  using time = new FakeTime();
  const { socket } = startWaiter(never);
  socket.receive('["1","1","realtime:a","phx_join",{"config":{}}]');
  socket.receive('["1","2","realtime:a","phx_leave",{}]');
  time.until(1_000);
  assert.deepEqual(socket.sent.map((text) => JSON.parse(String(text))[1]), ["2"]);
});

Deno.test("a join that there is no room for is answered once", () => {
  using time = new FakeTime();
  const unsent = new Unsent(65_536);
  unsent.take(4 * 65_536);
  const { socket } = startWaiter(never, {}, unsent);
  socket.receive(`["1","1","realtime:a","phx_join",{"config":{"a":"${"x".repeat(20_000)}"}}]`);
  time.until(1_000);
  const answers = socket.sent.map((text) => JSON.parse(String(text)));
  assert.deepEqual(answers.map(([, ref, , event]) => [ref, event]), [["1", "phx_reply"]]);
  assert.match(answers[0][4].response.reason, /^too_many_waiting: /);
});

Deno.test("a token that is being checked when the time is up is waited for", async () => {
  for (const isGood of [true, false]) {
    using time = new FakeTime();
    const checked = Promise.withResolvers<never>();
    const { socket, end } = startWaiter(() => checked.promise);
    time.until(9_990);
    socket.receive(join("a.b.c"));
    time.until(11_000);
    assert.equal(await Promise.race([end, settled()]), "it waits on");
    if (isGood) checked.resolve({ kind: "user" } as never);
    else checked.reject(new RelayError("token_expired", ""));
    assert.equal(await Promise.race([end, settled()]), isGood ? "named" : "token_expired");
  }
});
