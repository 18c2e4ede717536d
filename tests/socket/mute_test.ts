import assert from "node:assert/strict";
import { encodeServerFrame, type Frame } from "../../supabase/functions/relay/realtime/phoenix.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { Mute } from "../../supabase/functions/relay/socket/mute.ts";
import { sign } from "../support/tokens.ts";
import { Stage } from "../support/hub/stage.ts";

const A = "realtime:a";
const B = "realtime:b";

function start(vsn: Vsn = "2.0.0") {
  const clock = { ms: 0 };
  const mute = new Mute(vsn, () => clock.ms);
  const takes = (frame: Partial<Frame>) =>
    mute.takes(encodeServerFrame(vsn, { topic: A, event: "broadcast", payload: {}, ...frame }));
  return { clock, mute, takes };
}

/** A broadcast as Realtime sends it in binary. */
function binary(topic: string, kind = 4): ArrayBuffer {
  const name = new TextEncoder().encode(topic);
  const lengths = kind === 4 ? [name.length, 1, 0, 1] : [name.length, 1];
  return new Uint8Array([kind, ...lengths, ...name, 101, 123, 125]).buffer;
}

for (const vsn of ["1.0.0", "2.0.0"] as const) {
  Deno.test(`vsn ${vsn}: what still comes of a channel that was left is not for the client`, () => {
    const { mute, takes } = start(vsn);
    assert.equal(takes({}), false, "nothing was left");
    const { ref, join_ref, event } = mute.leave(A, "1");
    assert.deepEqual([event, join_ref], ["phx_leave", "1"], "Realtime passes over another join's");
    for (const event of ["broadcast", "postgres_changes", "system", "presence_diff", "phx_error"]) {
      assert.equal(takes({ event }), true, event);
      assert.equal(takes({ event, topic: B }), false, event);
    }
    assert.equal(takes({ event: "phx_reply", ref: "7" }), true, "of a push that it took before");
    const payload = { status: "error", response: { reason: "unmatched topic" } };
    assert.equal(takes({ event: "phx_reply", ref: "7", payload }), false, "of one that came later");
    for (const kind of [2, 4]) {
      assert.equal(mute.takes(binary(A, kind)), true);
      assert.equal(mute.takes(binary(B, kind)), false);
    }
    assert.equal(takes({ event: "phx_reply", ref, payload }), true, "the answer is the relay's");
    assert.equal(
      takes({ event: "phx_close", ref: "1", join_ref: "1" }),
      true,
      "it was told already",
    );
    assert.equal(takes({}), true, "what was on its way when it closed");
  });

  Deno.test(`vsn ${vsn}: a channel that is joined again is heard from that answer on`, () => {
    const { mute, takes } = start(vsn);
    const { ref } = mute.leave(A, "1");
    takes({ event: "phx_reply", ref });
    takes({ event: "phx_close", ref: "1" });
    mute.joins({ topic: A, ref: "8", event: "phx_join" });
    assert.equal(takes({ event: "phx_reply", ref: "8" }), false);
    assert.equal(takes({}), false);
    assert.notEqual(
      mute.leave(A, "1").ref,
      ref,
      "a late answer to an earlier leave is none to this one",
    );
    assert.equal(takes({ event: "phx_reply", ref }), true);
    assert.equal(takes({}), true);
  });
}

/** Realtime was busy: the leave and a join behind it are read at once. */
const KILLED: Record<string, (leave: Partial<Frame>) => Partial<Frame>[]> = {
  "never answers": () => [],
  "answers before its end": (leave) => [leave],
};

for (const vsn of ["1.0.0", "2.0.0"] as const) {
  for (const [what, before] of Object.entries(KILLED)) {
    Deno.test(`vsn ${vsn}: a channel that a join kills and that ${what} is not heard, the join is`, () => {
      const { mute, takes } = start(vsn);
      const { ref } = mute.leave(A, "1");
      mute.joins({ topic: A, ref: "8", event: "phx_join" });
      assert.equal(takes({}), true);
      assert.equal(takes({ event: "phx_reply", ref: "8" }), false, "the join's answer");
      for (const word of before({ event: "phx_reply", ref })) assert.equal(takes(word), true);
      assert.equal(takes({}), true, "it had sent that before");
      assert.equal(takes({ event: "phx_close", ref: "1" }), true);
      assert.equal(takes({}), false);
    });
  }

  Deno.test(`vsn ${vsn}: a channel whose end comes by itself is over without an answer`, () => {
    const { mute, clock, takes } = start(vsn);
    mute.leave(A, "1");
    assert.equal(takes({ event: "phx_close", ref: "1" }), true);
    assert.equal(takes({}), true);
    clock.ms = 60_000;
    assert.equal(takes({}), false);
  });
}

Deno.test("the answers to so many joins of one topic are told from others", () => {
  const { mute, takes } = start();
  mute.leave(A, "1");
  for (let n = 0; n < 100; n++) mute.joins({ topic: A, ref: `j${n}`, event: "phx_join" });
  const heard = [...Array(100).keys()].filter((n) => !takes({ event: "phx_reply", ref: `j${n}` }));
  assert.deepEqual(heard, [...Array(16).keys()].map((n) => 84 + n));
});

Deno.test("nothing is looked at for longer than what was sent before can take", () => {
  const { clock, mute, takes } = start();
  const [a, b] = [mute.leave(A, "1"), mute.leave(B, "2")];
  takes({ event: "phx_reply", ref: a.ref });
  clock.ms = 60_000;
  assert.equal(takes({}), false, "its answer is a minute old");
  assert.equal(takes({ topic: B }), true, "this one has no answer yet");
  takes({ event: "phx_reply", ref: b.ref, topic: B });
  clock.ms += 60_000;
  assert.equal(takes({ topic: B }), false);
  mute.leave(A, "1");
  assert.equal(takes({}), true);
});

Deno.test("ever other channels may be left: what is over costs nothing when the next is", () => {
  const timeFor = (count: number) => {
    const { clock, mute, takes } = start();
    const begun = performance.now();
    for (let n = 0; n < count; n++) {
      const topic = `realtime:${n}`;
      const { ref } = mute.leave(topic, "1");
      assert.equal(takes({ topic }), true);
      takes({ topic, event: "phx_reply", ref });
      clock.ms += 1_000;
    }
    return performance.now() - begun;
  };
  timeFor(1_000); // For the compiler.
  const [few, many] = [2_000, 16_000].map((count) =>
    Math.min(...[1, 2, 3].map(() => timeFor(count)))
  );
  // Eight is linear, sixty-four quadratic.
  assert.ok(many < 24 * few, `${few} ms, and ${many} ms for eight times as many`);
});

Deno.test("frames that are odd, empty or huge pass while a channel is mute", () => {
  const { mute } = start();
  mute.leave(A, "1");
  for (
    const text of ["", "x", "[]", '["', "\ufeff", "[".repeat(1e6), '[null,null,"\\ud800","e",{}]']
  ) {
    assert.equal(mute.takes(text), false);
  }
  for (const bytes of [[], [4], [4, 255], [2, 200, 1, 97], [9, 1, 1]]) {
    assert.equal(mute.takes(new Uint8Array(bytes).buffer), false);
  }
});

const POLICY = JSON.stringify({ anon: {}, authenticated: { topics: ["b"] } });

const PRIVATE_ONLY = JSON.stringify({ anon: {}, authenticated: { privateOnly: true } });

/** Whose socket it is: a viewer's whose channel is shared, or who has one of his own. */
const VIEWERS: Record<string, Record<string, string>> = {
  "shares a channel": {},
  "has a socket of his own": { RELAY_SHARE: "off" },
};

for (const [who, env] of Object.entries(VIEWERS)) {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    Deno.test(`a viewer who ${who} signs in: a forbidden channel ends, another goes on (${vsn})`, async () => {
      using stage = new Stage({ RELAY_POLICY: POLICY, ...env });
      const client = await stage.open(undefined, vsn);
      client.join(A);
      client.join(B);
      await stage.clock.settle();
      stage.realtime.emit(A, "broadcast", { event: "before" });
      await stage.clock.settle();
      assert.ok(client.heard().includes("broadcast before"));
      client.frames.length = 0;
      client.send(B, "access_token", { access_token: await sign() });
      // A signature is checked in a thread of its own.
      while (client.frames.length < 2) await stage.clock.settle();
      const told = client.heard();
      assert.deepEqual(told.slice(0, 2), ["system error", "phx_close 1"]);
      stage.realtime.emit(A, "broadcast", { event: "secret" });
      stage.realtime.emit(B, "broadcast", { event: "after" });
      await stage.clock.pass(10_000);
      const heard = client.frames.filter(({ event }) => event === "broadcast");
      assert.deepEqual(heard.map(({ topic }) => topic), [B]);
      assert.ok(
        !stage.realtime.channels.some(({ join, token }) => join.topic === A && token !== undefined),
        "the channel was joined as the user",
      );
      assert.ok(!stage.realtime.channels.some(({ join }) => join.topic === A), "it was left there");
    });

    Deno.test(`a viewer who ${who} signs in, and joins anew as it may: it is heard (${vsn})`, async () => {
      using stage = new Stage({ RELAY_POLICY: PRIVATE_ONLY, ...env });
      const client = await stage.open(undefined, vsn);
      client.join(A);
      await stage.clock.settle();
      client.frames.length = 0;
      client.send(A, "access_token", { access_token: await sign() });
      while (client.frames.length < 2) await stage.clock.settle();
      client.join(A, { private: true });
      await stage.clock.pass(1_000);
      stage.realtime.emit(A, "broadcast", { event: "mine" });
      await stage.clock.pass(1_000);
      assert.equal(client.heard().at(-1), "broadcast mine");
    });
  }
}
