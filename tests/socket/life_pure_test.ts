import assert from "node:assert/strict";
import { type Config, readConfig } from "../../supabase/functions/relay/config/config.ts";
import { QUIET_MS } from "../../supabase/functions/relay/peer/close.ts";
import { createDrain } from "../../supabase/functions/relay/socket/drain.ts";
import { encodeFrame } from "../../supabase/functions/relay/realtime/phoenix.ts";
import { Heartbeat } from "../../supabase/functions/relay/socket/heartbeat.ts";
import type { Session } from "../../supabase/functions/relay/socket/session.ts";
import type { Summary } from "../../supabase/functions/relay/socket/tunnel.ts";
import type { Identity } from "../../supabase/functions/relay/door/identity.ts";
import { FakeTime } from "../support/fake_time.ts";
import { startSession } from "./support/session.ts";
import { SilentSocket } from "./support/silent_socket.ts";
import { setImmediate } from "node:timers";

/** A heartbeat on a clock that the test moves, in seconds, and all that it sent. */
function startHeartbeat(maxSilence = 180, vsn: "1.0.0" | "2.0.0" = "2.0.0") {
  let time = 0;
  const sent: string[] = [];
  const heartbeat = new Heartbeat(
    vsn,
    maxSilence * 1000,
    () => time,
    (frame) => sent.push(encodeFrame(vsn, frame)),
  );
  return {
    heartbeat,
    sent,
    /** Ticks every 5 s, as the relay does, up to this second; returns the last pulse. */
    until(seconds: number) {
      let pulse = "alive";
      while (time < seconds * 1000 && pulse === "alive") {
        time += 5_000;
        pulse = heartbeat.tick();
      }
      return pulse;
    },
  };
}

Deno.test("a client that speaks every 25 s is never spoken for", () => {
  const { heartbeat, sent, until } = startHeartbeat();
  for (let seconds = 20; seconds <= 600; seconds += 20) {
    assert.equal(until(seconds), "alive");
    heartbeat.heard = true;
  }
  assert.deepEqual(sent, []);
  assert.equal(heartbeat.awaiting, false);
});

Deno.test("after 25 s of silence a heartbeat goes upstream, then one every 25 s", () => {
  const { heartbeat, sent, until } = startHeartbeat();
  until(20);
  assert.deepEqual(sent, []);
  until(25);
  assert.deepEqual(sent, ['[null,"relay:1","phoenix","heartbeat",{}]']);
  assert.ok(heartbeat.takes('[null,"relay:1","phoenix","phx_reply",{"status":"ok"}]'));
  until(45);
  assert.equal(sent.length, 1);
  until(50);
  assert.equal(sent[1], '[null,"relay:2","phoenix","heartbeat",{}]');
});

Deno.test("only the answers to the relay's own heartbeats are taken", () => {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    const { heartbeat, until } = startHeartbeat(180, vsn);
    until(25);
    const others = vsn === "2.0.0"
      ? ['[null,"1","phoenix","phx_reply",{}]', '["relay:1","1","relay:1","phx_reply",{}]']
      : ['{"ref":"1","event":"phx_reply"}', '{"ref":null,"event":"x","topic":"relay:1"}'];
    for (const other of [...others, new ArrayBuffer(8)]) assert.ok(!heartbeat.takes(other));
    assert.equal(heartbeat.awaiting, true);
    const answer = vsn === "2.0.0" ? '[null,"relay:1","phoenix"' : '{"ref":"relay:1","event"';
    assert.ok(heartbeat.takes(answer));
    assert.equal(heartbeat.awaiting, false);
  }
});

Deno.test("upstream that owes an answer for 25 s has stalled", () => {
  const { until } = startHeartbeat();
  assert.equal(until(45), "alive");
  assert.equal(until(50), "stalled");
});

Deno.test("a client that is silent for too long is given up, one word gives it all the time", () => {
  const { heartbeat, until } = startHeartbeat(60);
  const answerUntil = (seconds: number) => {
    let pulse = "alive";
    for (let second = 5; second <= seconds && pulse === "alive"; second += 5) {
      pulse = until(second);
      if (heartbeat.awaiting) heartbeat.takes('[null,"relay:');
    }
    return pulse;
  };
  assert.equal(answerUntil(55), "alive");
  heartbeat.heard = true;
  assert.equal(answerUntil(115), "alive");
  assert.equal(answerUntil(125), "silent");
});

/**
 * What happens to the sockets of a worker that is told these reasons, each after so many seconds,
 * and after how many milliseconds since the first of them.
 */
async function drain(
  reasons: [string, number][],
  counts: { plain: number; negotiated: number },
) {
  using time = new FakeTime();
  const happened: [number, string, boolean, number][] = [];
  const begun = reasons[0][1] * 1000;
  const sessions = new Set<Session>();
  const add = (negotiated: boolean) => {
    const { promise: closed, resolve } = Promise.withResolvers<Summary>();
    const note = (what: string, deadline = 0) =>
      happened.push([time.now - begun, what, negotiated, deadline]);
    const session: Session = {
      negotiated,
      identity: { kind: "anonymous" },
      counts: { fromClient: { messages: 0, bytes: 0 }, fromUpstream: { messages: 0, bytes: 0 } },
      closed,
      end({ code }) {
        note(code);
        sessions.delete(session);
        resolve({ by: "relay", code: 1012 });
      },
      notify: note,
      tick() {},
      stop() {},
    };
    sessions.add(session);
  };
  for (let n = 0; n < counts.plain; n++) add(false);
  for (let n = 0; n < counts.negotiated; n++) add(true);
  const { begin } = createDrain(sessions, config, () => time.now);
  const ended = reasons.map(([reason, seconds]) => {
    time.until(seconds * 1000);
    return begin(reason);
  });
  time.until(Infinity);
  await Promise.all(ended);
  const at = (what: string, negotiated: boolean) =>
    happened.filter((it) => it[1] === what && it[2] === negotiated);
  return {
    plain: at("restart", false).map(([ms]) => ms),
    negotiated: at("restart", true).map(([ms]) => ms),
    notices: at("drain", true).map(([, , , deadline]) => deadline),
    others: at("drain", false),
  };
}

const config: Config = readConfig({
  SUPABASE_URL: "https://abc.supabase.co",
  SUPABASE_ANON_KEY: "anon",
  RELAY_DRAIN_MS: "8000",
});

/** The most ends within any sixth of `time`. */
const densest = (ends: number[], time: number) =>
  Math.max(...ends.map((at) => ends.filter((end) => end >= at && end < at + time / 6).length));

Deno.test("the sockets of a worker whose wall clock runs out end evenly over what is left", async () => {
  // 400 s, of which 360 are over.
  const { plain, negotiated, notices, others } = await drain(
    [["wall_clock", 360]],
    { plain: 300, negotiated: 300 },
  );
  assert.deepEqual([plain.length, negotiated.length, notices.length], [300, 300, 300]);
  assert.deepEqual(others, []);
  assert.ok(Math.max(...plain, ...negotiated) < 40_000, "no time is left for the last close frame");
  assert.ok(Math.max(...plain) > 30_000);
  assert.ok(densest(plain, 40_000) <= 100);
  assert.ok(densest([...plain, ...negotiated], 40_000) <= 200);
});

Deno.test("a close waits for quiet within the time that is left, however short that is", async () => {
  // 6 s, of which 5.4 are over.
  const { plain, negotiated } = await drain([["wall_clock", 5.4]], { plain: 300, negotiated: 300 });
  const last = Math.max(...plain, ...negotiated);
  assert.ok(last + QUIET_MS <= 540 && last > 400, `the last is told to end after ${last} ms`);
});

Deno.test("clients that move by themselves have a third of the time for it", async () => {
  const { negotiated, notices } = await drain([["termination", 100]], {
    plain: 0,
    negotiated: 100,
  });
  const [left] = notices;
  assert.ok(left <= 8_000 && left > 6_000);
  assert.ok(notices.every((notice) => notice === left));
  assert.ok(Math.min(...negotiated) >= left / 3);
  assert.ok(Math.max(...negotiated) <= left);
});

Deno.test("once the CPU is used up every socket ends at once, without a notice", async () => {
  const { plain, negotiated, notices } = await drain([["cpu", 100]], { plain: 50, negotiated: 50 });
  assert.deepEqual([...plain, ...negotiated], Array(100).fill(0));
  assert.deepEqual(notices, []);
});

for (const age of [5, 60, 300]) {
  Deno.test(`a worker that gets a SIGTERM at ${age} s ends its sockets within RELAY_DRAIN_MS`, async () => {
    const { plain, notices } = await drain([["drain", age]], { plain: 300, negotiated: 1 });
    const last = Math.max(...plain);
    assert.ok(last > 6_000 && last <= 8_000, `the last ended after ${last} ms`);
    assert.ok(notices.length === 1 && notices[0] <= 8_000);
  });
}

Deno.test("a later and more urgent reason shortens a drain, and no reason lengthens one", async () => {
  const counts = { plain: 100, negotiated: 100 };
  const cpu = await drain([["drain", 200], ["cpu", 203]], counts);
  const ends = [...cpu.plain, ...cpu.negotiated];
  assert.equal(ends.length, 200);
  assert.ok(ends.every((ms) => ms <= 3_000), "a socket outlived the CPU");
  assert.ok(ends.filter((ms) => ms === 3_000).length > 100);
  const unload = await drain([["termination", 100], ["wall_clock", 101]], counts);
  assert.ok(Math.max(...unload.plain) <= 8_000, "a second reason lengthened the time");
  const clock = await drain([["drain", 40], ["wall_clock", 41]], counts);
  assert.ok(Math.max(...clock.plain, ...clock.negotiated) <= 1_000 + 41_000 / 9);
  assert.deepEqual([clock.plain.length, clock.negotiated.length], [100, 100]);
});

Deno.test("a token whose check outlives its socket leaves no timer behind", async () => {
  using time = new FakeTime();
  const checked = Promise.withResolvers<Identity>();
  const { session, client } = startSession(new SilentSocket(), {}, () => checked.promise);
  client.open();
  const payload = { access_token: "a.b.c" };
  client.receive(JSON.stringify([null, "1", "realtime:a", "access_token", payload]));
  client.end(1001);
  await settled();
  time.until(10_000);
  await session.closed;
  session.stop();
  const user = { kind: "user", id: "a", who: "a", role: "r", expiresAt: 3_600, token: "a.b.c" };
  checked.resolve(user as Identity);
  await settled();
  assert.equal(time.pending, 0);
});

const settled = () => new Promise<void>((resolve) => setImmediate(() => resolve()));
