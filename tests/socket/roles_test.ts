import assert from "node:assert/strict";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import type { Policy } from "../../supabase/functions/relay/config/config.ts";
import { binary, text } from "../support/attack.ts";
import { inSeconds, sign } from "../support/tokens.ts";
import { openGate, userWith, viewer } from "./support/gate.ts";

/** A socket whose role changes: what it had joined, and what becomes of it. */
interface Change {
  policy: Record<string, Policy>;
  /** Configs of the joins, by topic. */
  joined: Record<string, unknown>;
  /** The role of whom the handshake named; undefined is a viewer. */
  from?: string;
  /** The role of the token that a frame brings. Default: authenticated. */
  to?: string;
  /** What is left, and with which code. */
  left: Record<string, string>;
}

const changesOf = (schema: string, table: string) => ({
  postgres_changes: [{ event: "*", schema, table }],
});

const CHANGES: Record<string, Change> = {
  "a public channel, for who may have private ones alone": {
    policy: { anon: { readOnly: true }, authenticated: { privateOnly: true } },
    joined: { a: { private: false }, b: { private: true }, c: {} },
    left: { a: "private_only", c: "private_only" },
  },
  "a table that the new role may not have": {
    policy: { authenticated: { tables: ["public.mine"] } },
    joined: {
      a: changesOf("public", "others"),
      b: changesOf("public", "mine"),
      c: undefined,
      d: { broadcast: {} },
      e: { postgres_changes: [{ schema: "public", table: "mine" }, { schema: "public" }] },
    },
    left: { a: "table_forbidden", c: "table_forbidden", e: "table_forbidden" },
  },
  "a topic": {
    policy: { authenticated: { topics: ["room:*"] } },
    joined: { "room:1": {}, lobby: {} },
    left: { lobby: "topic_forbidden" },
  },
  "by the policy of the star": {
    policy: { anon: {}, "*": { topics: ["room:*"], privateOnly: true } },
    joined: { "room:1": { private: true }, "room:2": {}, lobby: { private: true } },
    left: { "room:2": "private_only", lobby: "topic_forbidden" },
  },
  "of a user whose newer token has another role": {
    policy: { editor: { topics: ["room:*"] } },
    from: "authenticated",
    to: "editor",
    joined: { "room:1": {}, lobby: {} },
    left: { lobby: "topic_forbidden" },
  },
  "of a user whose newer role is named by no policy but the star's": {
    policy: { authenticated: {}, "*": { topics: [] } },
    from: "authenticated",
    to: "constructor",
    joined: { lobby: {} },
    left: { lobby: "topic_forbidden" },
  },
  "nothing, for a role without a policy": {
    policy: { anon: { topics: ["a"] } },
    joined: { a: {} },
    left: {},
  },
  "nothing, for a newer token of the same role": {
    policy: { authenticated: { topics: ["a"] } },
    from: "authenticated",
    joined: { a: {} },
    left: {},
  },
};

const other = JSON.stringify("realtime:other");
const inFrame: Record<string, (vsn: Vsn, token: string) => string> = {
  "by access_token": (vsn, token) =>
    text(vsn, other, '"access_token"', JSON.stringify({ access_token: token })),
  "in a join": (vsn, token) =>
    text(vsn, other, '"phx_join"', JSON.stringify({ config: {}, access_token: token })),
};

async function begin({ policy, joined, from }: Change, vsn: Vsn) {
  const identity = from ? await userWith(await sign({ role: from })) : viewer;
  const gate = openGate(identity, { vsn, env: { RELAY_POLICY: JSON.stringify(policy) } });
  for (const [topic, config] of Object.entries(joined)) {
    const join = text(
      vsn,
      JSON.stringify(`realtime:${topic}`),
      '"phx_join"',
      JSON.stringify({ config }),
    );
    assert.ok(await gate.judge(join), `${topic} was not joined`);
  }
  gate.order.length = 0;
  return gate;
}

for (const [what, change] of Object.entries(CHANGES)) {
  for (const [how, frame] of Object.entries(inFrame)) {
    Deno.test(`a role changes ${how}, what is left: ${what}`, async () => {
      const { to: role = "authenticated", left: expected } = change;
      for (const vsn of ["1.0.0", "2.0.0"] as const) {
        const { judge, left, order, answers } = await begin(change, vsn);
        await judge(frame(vsn, await sign({ role, exp: inSeconds(7200) })));
        assert.deepEqual(left, Object.keys(expected).map((topic) => `realtime:${topic}`));
        const told = JSON.stringify(answers);
        for (const [topic, code] of Object.entries(expected)) {
          assert.match(told, new RegExp(`"message":"${code}: [^"]+"[^}]+"channel":"${topic}"`));
        }
        // Left before anything of the new role goes upstream.
        const passed = order.findIndex((it) => it.startsWith("pass"));
        assert.ok(
          passed < 0 || order.slice(passed).every((it) => !it.startsWith("leave")),
          `${order}`,
        );
        for (const topic of Object.keys(expected)) {
          if (vsn === "2.0.0") {
            assert.equal(await judge(binary(3, `realtime:${topic}`).buffer), undefined);
          }
        }
      }
    });
  }
}

const STRICT = { policy: { anon: {}, authenticated: { privateOnly: true } }, left: {} };
const push = (vsn: Vsn, topic: string, token: string) =>
  text(vsn, JSON.stringify(topic), '"access_token"', JSON.stringify({ access_token: token }));

Deno.test("a channel that is left is told as Realtime tells it, by its own ref", async () => {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    const { judge, answers } = await begin({ ...STRICT, joined: { a: {} } }, vsn);
    assert.equal(
      await judge(push(vsn, "realtime:a", await sign())),
      undefined,
      "its token is not sent",
    );
    const message = "private_only: Join the channel with { config: { private: true } }.";
    const why = { message, status: "error", extension: "system", channel: "a" };
    assert.deepEqual(
      answers,
      vsn === "2.0.0"
        ? [["1", null, "realtime:a", "system", why], ["1", "1", "realtime:a", "phx_close", {}]]
        : [
          { ref: null, event: "system", topic: "realtime:a", payload: why },
          { ref: "1", event: "phx_close", topic: "realtime:a", payload: {} },
        ],
    );
  }
});

Deno.test("who joins a channel anew, as the new role may, keeps it", async () => {
  const { judge, left } = await begin({ ...STRICT, joined: { a: {}, b: {} } }, "2.0.0");
  const payload = { config: { private: true }, access_token: await sign() };
  assert.ok(await judge(text("2.0.0", '"realtime:a"', '"phx_join"', JSON.stringify(payload))));
  assert.deepEqual(left, ["realtime:b"]);
});

Deno.test("who joins a channel anew, as the new role may not, loses it", async () => {
  const { judge, left, order } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
  const payload = { config: {}, access_token: await sign() };
  const join = text("2.0.0", '"realtime:a"', '"phx_join"', JSON.stringify(payload));
  assert.equal(await judge(join), undefined);
  assert.deepEqual(left, ["realtime:a"]);
  assert.deepEqual(order, [
    "answer phx_reply",
    "leave realtime:a",
    "answer system",
    "answer phx_close",
  ]);
});

Deno.test("a token that is refused changes nothing but its own channel", async () => {
  const { judge, left } = await begin({ ...STRICT, joined: { a: {}, b: {} } }, "2.0.0");
  await judge(push("2.0.0", "realtime:a", await sign({}, "another-secret")));
  assert.deepEqual(left, ["realtime:a"]);
  await judge(push("2.0.0", "realtime:c", "garbage"));
  assert.deepEqual(left, ["realtime:a"], "one that is not joined has nothing to leave");
});

Deno.test("a leave that Realtime passes over does not hide a channel from the next judgement", async () => {
  const { judge, left, answers } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
  for (const joinRef of ['"9"', "1", "1.5", '""', "null"]) {
    assert.equal(await judge(`[${joinRef},"5","realtime:a","phx_leave",{}]`), undefined);
  }
  for (const odd of ["", "{}x", "{},1", "[".repeat(40)]) {
    assert.equal(await judge(`["1","5","realtime:a","phx_leave",${odd}]`), undefined);
  }
  answers.length = 0;
  await judge(push("2.0.0", "realtime:b", await sign()));
  assert.deepEqual(left, ["realtime:a"]);
});

Deno.test("a channel that was left by its own ref is not judged again", async () => {
  const { judge, left } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
  const leave = await judge('["1","5","realtime:a","phx_leave",{"x":1}]');
  assert.equal(leave, '["1","5","realtime:a","phx_leave",{}]');
  await judge(push("2.0.0", "realtime:b", await sign()));
  assert.deepEqual(left, []);
});

Deno.test("what the relay leaves it leaves by the join's own ref, since Realtime passes over any other", async () => {
  const { judge, leftRefs } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
  await judge(push("2.0.0", "realtime:b", await sign()));
  assert.deepEqual(leftRefs, ["1"]);
});

Deno.test("what may only be read is not written: text, bytes or presence, from the change on", async () => {
  const policy = { anon: {}, authenticated: { readOnly: true } };
  const { judge, left, answers } = await begin({ policy, joined: { a: {} }, left: {} }, "2.0.0");
  const frames = [
    text("2.0.0", '"realtime:a"', '"broadcast"', "{}"),
    text("2.0.0", '"realtime:a"', '"presence"', "{}"),
    binary(3, "realtime:a").buffer,
  ];
  for (const frame of frames) assert.ok(await judge(frame));
  await judge(push("2.0.0", "realtime:a", await sign()));
  for (const frame of frames) assert.equal(await judge(frame), undefined);
  assert.deepEqual(left, []);
  assert.equal(JSON.stringify(answers).match(/read_only: /g)?.length, 3);
});

/** What Realtime says of a topic, as the tunnel asks about it. */
const says = (event: string, ref: unknown = null, status = "ok") =>
  JSON.stringify([null, ref, "realtime:a", event, { status }]);

const REPLACED: Record<string, (ref: string) => string> = {
  "another join has replaced": (ref) =>
    `["2",${ref},"realtime:a","phx_join",{"config":{"private":true}}]`,
  "was left": (ref) => `["1",${ref},"realtime:a","phx_leave",{}]`,
};

for (const [what, frame] of Object.entries(REPLACED)) {
  for (const ref of ["7", '"7"', "1e21", "null"]) {
    Deno.test(`a channel that ${what} is not heard by a new role before its end is told (${ref})`, async () => {
      const { judge, left, channels } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
      assert.equal(channels.awaits, false);
      assert.ok(await judge(frame(ref)));
      assert.equal(channels.awaits, true);
      assert.equal(channels.takes(says("broadcast")), false, "the role is as it was");
      await judge(push("2.0.0", "realtime:b", await sign()));
      assert.deepEqual(left, []);
      for (const event of ["broadcast", "postgres_changes", "presence_diff", "system"]) {
        assert.equal(channels.takes(says(event)), true, event);
      }
      const name = new TextEncoder().encode("realtime:a");
      const bytes = new Uint8Array([4, name.length, 1, 0, 1, ...name, 101, 123, 125]);
      assert.equal(channels.takes(bytes.buffer), true);
      assert.equal(channels.takes(says("phx_reply", "2")), false, "the first join's answer");
      assert.equal(channels.takes(says("broadcast")), true);
      const answer = ref === "1e21"
        ? '[null,1.0e21,"realtime:a","phx_reply",{"status":"ok"}]'
        : undefined;
      assert.equal(channels.takes(answer ?? says("phx_reply", JSON.parse(ref))), false);
      // What it had sent waits in the socket's process, behind the answer.
      assert.equal(channels.takes(says("broadcast")), true);
      assert.equal(channels.takes(says("phx_close", "1")), false);
      assert.equal(channels.takes(says("broadcast")), false);
      assert.equal(channels.awaits, false);
    });
  }
}

/** What Realtime says before another join of the topic goes up: there is nothing that it replaces. */
const GONE: Record<string, string[]> = {
  "Realtime has refused": [says("phx_reply", "2", "error")],
  "Realtime has ended": [says("phx_reply", "2"), says("phx_close", "1")],
  "crashed": [says("phx_reply", "2"), says("phx_error", "1")],
};

for (const [what, words] of Object.entries(GONE)) {
  Deno.test(`a channel that ${what} keeps nobody from hearing the one that follows`, async () => {
    const { judge, channels } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
    for (const word of words) assert.equal(channels.takes(word), false);
    await judge('["2","7","realtime:a","phx_join",{"config":{"private":true}}]');
    assert.equal(channels.awaits, false);
    await judge(push("2.0.0", "realtime:b", await sign()));
    channels.takes(says("phx_reply", "7"));
    assert.equal(channels.takes(says("broadcast")), false);
  });
}

Deno.test("of joins that replace each other none is heard by a new role but the last", async () => {
  const { judge, channels } = await begin({ ...STRICT, joined: { a: {} } }, "2.0.0");
  await judge('["5","5","realtime:a","phx_join",{"config":{}}]');
  await judge('["6","6","realtime:a","phx_join",{"config":{"private":true}}]');
  await judge(push("2.0.0", "realtime:b", await sign()));
  const heard = ["2", "5", "6"].map((ref) => says("phx_reply", ref));
  for (const word of [...heard, says("phx_close", "1")]) {
    assert.equal(channels.takes(word), false);
    assert.equal(channels.takes(says("broadcast")), true);
  }
  channels.takes(says("phx_close", "5"));
  assert.equal(channels.takes(says("broadcast")), false);
});

Deno.test("of a channel that was joined without refs the end is found, though it has none", async () => {
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    const { judge, channels } = openGate(viewer, {
      vsn,
      env: { RELAY_POLICY: JSON.stringify(STRICT.policy) },
    });
    const refless = (event: string, payload: string) =>
      vsn === "2.0.0"
        ? `[null,null,"realtime:a","${event}",${payload}]`
        : `{"ref":null,"event":"${event}","topic":"realtime:a","payload":${payload}}`;
    await judge(refless("phx_join", '{"config":{}}'));
    assert.equal(channels.takes(refless("phx_reply", '{"status":"ok"}')), false);
    await judge(refless("phx_join", '{"config":{"private":true}}'));
    await judge(push(vsn, "realtime:b", await sign()));
    assert.equal(channels.takes(refless("phx_reply", '{"status":"ok"}')), false);
    assert.equal(channels.takes(refless("broadcast", "{}")), true);
    channels.takes(refless("phx_close", "{}"));
    assert.equal(channels.takes(refless("broadcast", "{}")), false);
  }
});

Deno.test("what was replaced is remembered for as many topics as may be joined", async () => {
  const policy = JSON.stringify({ authenticated: { topics: [] } });
  const env = { RELAY_POLICY: policy, RELAY_MAX_JOINS: "3" };
  const { judge, channels } = openGate(viewer, { env });
  for (let n = 0; n < 10; n++) {
    await judge(`["1","1","realtime:${n}","phx_join",{"config":{}}]`);
    await judge(`["1","2","realtime:${n}","phx_leave",{}]`);
  }
  await judge(push("2.0.0", "realtime:b", await sign()));
  const isMute = (n: number) => channels.takes(`[null,null,"realtime:${n}","broadcast",{}]`);
  assert.deepEqual([...Array(10).keys()].filter(isMute), [7, 8, 9]);
});

Deno.test("where no policy forbids anybody anything, nothing is looked at", async () => {
  const { judge, channels } = openGate(viewer, {});
  for (const ref of ["1", "2"]) {
    await judge(`["${ref}","${ref}","realtime:a","phx_join",{"config":{}}]`);
  }
  assert.deepEqual([channels.awaits, channels.watches], [false, false]);
});
