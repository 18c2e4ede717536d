import assert from "node:assert/strict";
import type { Message } from "../../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { binary, text } from "../support/attack.ts";
import { sign } from "../support/tokens.ts";
import { costOf } from "./support/cost.ts";
import { type GateSetUp, openGate, viewer } from "./support/gate.ts";

function open(setUp: GateSetUp = {}) {
  const clock = { ms: Date.now() };
  const gate = openGate(viewer, { now: () => clock.ms, ...setUp });
  /** How many of so many messages pass the account; the first that does not ends the socket. */
  async function count(message: Message, most: number): Promise<number> {
    for (let n = 0; n < most; n++) {
      try {
        await gate.judge(message);
      } catch (error) {
        assert.equal((error as { code: string }).code, "too_many_frames");
        return n;
      }
    }
    return most;
  }
  return { ...gate, clock, count };
}

const joinOf = (topic: string, vsn: Vsn = "2.0.0", payload = '{"config":{}}') =>
  text(vsn, `"realtime:${topic}"`, '"phx_join"', payload);

/** One socket of realtime-js that comes back: its channels, their one new token, a heartbeat. */
async function restore(
  judge: (message: Message) => Promise<Message | undefined>,
  channels: number,
) {
  const token = await sign();
  for (let n = 0; n < channels; n++) {
    assert.ok(await judge(joinOf(String(n), "2.0.0", `{"config":{},"access_token":"${token}"}`)));
  }
  for (let n = 0; n < channels; n++) {
    const payload = JSON.stringify({ access_token: token });
    assert.ok(await judge(text("2.0.0", `"realtime:${n}"`, '"access_token"', payload)));
  }
  assert.ok(await judge('[null,"9","phoenix","heartbeat",{}]'));
}

Deno.test("a page restores its hundred channels at once, and again after it lost them", async () => {
  const { judge, clock, answers } = open();
  await restore(judge, 100);
  clock.ms += 10_000;
  await restore(judge, 100);
  assert.deepEqual(answers, []);
});

Deno.test("a join over the account is answered, and the socket lives", async () => {
  const { judge, clock, answers } = open();
  let joined = 0;
  for (let n = 0; n < 500; n++) if (await judge(joinOf("a"))) joined++;
  assert.ok(joined > 170 && joined <= 180, `${joined} joins passed at once`);
  assert.equal(answers.length, 500 - joined);
  assert.match(JSON.stringify(answers[0]), /"phx_reply",\{"status":"error".+"too_many_joins: /);
  assert.ok(await judge('[null,"9","phoenix","heartbeat",{}]'));
  clock.ms += 1_000;
  joined = 0;
  for (let n = 0; n < 100; n++) if (await judge(joinOf("a"))) joined++;
  assert.ok(joined >= 9 && joined <= 10, `${joined} joins passed in a second`);
});

Deno.test("a join that does not go upstream costs none", async () => {
  const { judge, answers } = open({ env: { RELAY_POLICY: '{"*":{"topics":["b"]}}' } });
  for (let n = 0; n < 1_000; n++) await judge(joinOf("a"));
  assert.ok(await judge(joinOf("b")));
  assert.equal(answers.length, 1_000);
});

Deno.test("signatures that are checked cost: joins are answered, a token ends the socket", async () => {
  const forged = await sign({}, "another-secret");
  const inJoin = open();
  const join = joinOf("a", "2.0.0", `{"config":{},"access_token":"${forged}"}`);
  assert.equal(await inJoin.count(join, 2_000), 2_000, "the socket was ended");
  assert.match(JSON.stringify(inJoin.answers.at(-1)), /too_many_frames: /);
  const checked =
    inJoin.answers.filter((it) => JSON.stringify(it).includes("token_signature")).length;
  assert.ok(checked > 1_500 && checked <= 1_800, `${checked} signatures were checked`);
  const pushed = open();
  const push = text(
    "2.0.0",
    '"realtime:a"',
    '"access_token"',
    JSON.stringify({ access_token: forged }),
  );
  assert.ok(await pushed.count(push, 3_000) < 2_000);
});

const big = `"${"x".repeat(200_000)}"`;
const FRAMES: [name: string, vsn: Vsn, frame: Message][] = [
  ["text of vsn 2", "2.0.0", text("2.0.0", '"realtime:a"', '"broadcast"', big)],
  ["text of vsn 1", "1.0.0", text("1.0.0", '"realtime:a"', '"broadcast"', big)],
  ["bytes", "2.0.0", binary(3, "realtime:a", { encoding: 0, payload: big }).buffer],
  ["bytes of JSON", "2.0.0", binary(3, "realtime:a", { payload: big }).buffer],
];

for (const [name, vsn, frame] of FRAMES) {
  Deno.test(`${name}: a camera's 20 frames of 200 kB a second pass, ten times as many do not`, async () => {
    const camera = open({ vsn });
    await camera.judge(joinOf("a", vsn));
    for (let n = 0; n < 20 * 60; n++) {
      assert.ok(await camera.judge(frame), `frame ${n}`);
      camera.clock.ms += 50;
    }
    const flood = open({ vsn });
    await flood.judge(joinOf("a", vsn));
    let passed = 0;
    for (; passed < 200 * 60; passed++) {
      if (await flood.count(frame, 1) === 0) break;
      flood.clock.ms += 5;
    }
    assert.ok(passed < 2_000, `${passed} frames passed`);
  });
}

Deno.test("RELAY_CPU_SHARE gives more, or less", async () => {
  const frame = FRAMES[0][2];
  const counts = [];
  for (const share of ["1", "10", "100"]) {
    counts.push(await open({ env: { RELAY_CPU_SHARE: share } }).count(frame, 20_000));
  }
  const [small, usual, large] = counts;
  assert.ok(Math.abs(usual / small - 10) < 1 && Math.abs(large / usual - 10) < 1, `${counts}`);
});

Deno.test("a nested byte of a join or a token costs no more than three flat ones", async () => {
  const SIZE = 60_000;
  const flat = `{"config":{"x":[${Array(SIZE / 3).fill(12)}]}}`;
  const payloads = {
    nested: `{"config":${"[".repeat(SIZE / 2)}${"]".repeat(SIZE / 2)}}`,
    "a nest that is broken off": "[".repeat(SIZE),
    "objects in each other": '{"a":'.repeat(SIZE / 5),
  };
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    for (const event of ["phx_join", "access_token", "phx_leave", "broadcast"]) {
      const { judge } = open({ vsn, env: { RELAY_CPU_SHARE: "1000" } });
      const cost = (payload: string) =>
        costOf(
          (frame) => void judge(frame).catch(() => {}),
          text(vsn, '"realtime:a"', `"${event}"`, payload),
        );
      const unit = cost(flat);
      for (const [name, payload] of Object.entries(payloads)) {
        const times = cost(payload) / unit;
        assert.ok(times < 3, `${vsn} ${event}, ${name}: ${times} times as much`);
      }
    }
  }
  await Promise.resolve();
});
