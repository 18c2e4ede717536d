import assert from "node:assert/strict";
import type { Identity } from "../../supabase/functions/relay/door/identity.ts";
import type { Message } from "../../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { ALICE, BOB, inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../support/tokens.ts";
import { binary as bytes } from "../support/attack.ts";
import { openGate, userWith, viewer } from "./support/gate.ts";

const open = (identity: Identity, vsn?: Vsn) => openGate(identity, { vsn });

const join = (payload: string, topic = "realtime:a") =>
  `["1","1","${topic}","phx_join",${payload}]`;
const push = (token: unknown) =>
  JSON.stringify(["1", "9", "realtime:a", "access_token", { access_token: token }]);
const payloadOf = (judged: Message | undefined) => JSON.parse(judged as string)[4];
type Answer = [string, string, string, string, {
  status: string;
  channel?: string;
  response: { reason: string };
}];
const reasonOf = (answer: unknown) => (answer as Answer)[4].response.reason;

Deno.test("a join goes upstream with its config and the verified token alone", async () => {
  const token = await sign();
  const { judge } = open(await userWith(token));
  const judged = await judge(join('{"config":{"private":true},"user_token":"x","extra":1}'));
  assert.deepEqual(JSON.parse(judged as string), ["1", "1", "realtime:a", "phx_join", {
    config: { private: true },
    access_token: token,
  }]);
});

Deno.test("an anonymous viewer's join carries no token", async () => {
  const { judge } = open(viewer);
  for (const given of ["null", `"${PUBLISHABLE_KEY}"`, '"sb_publishable_of_another_client"']) {
    const judged = await judge(join(`{"config":{},"access_token":${given}}`));
    assert.deepEqual(payloadOf(judged), { config: {} });
  }
});

Deno.test("of duplicate keys and escaped names only what was judged is sent", async () => {
  const token = await sign();
  const stranger = await sign({ sub: BOB });
  const { judge } = open(await userWith(token));
  const twice = await judge(
    join(
      `{"config":{"private":false},"access_token":"${stranger}","access_token":"${token}",` +
        `"config":{"private":true}}`,
    ),
  );
  assert.deepEqual(payloadOf(twice), { config: { private: true }, access_token: token });
  assert.ok(!(twice as string).includes(stranger));
  const escaped = await judge('["1","2","realtime:b","ph\\u0078_join",{"user_token":"x"}]');
  assert.equal(JSON.parse(escaped as string)[3], "phx_join");
  assert.deepEqual(payloadOf(escaped), { access_token: token });
});

Deno.test("a vsn 1 frame is built anew from what was parsed", async () => {
  const { judge } = open(viewer, "1.0.0");
  const judged = await judge(
    '{"topic":"realtime:evil","event":"phx_leave","event":"heartbeat","topic":"phoenix",' +
      '"payload":{},"ref":"1","x":1}',
  );
  assert.equal(judged, '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}');
});

Deno.test("a vsn 1 frame without a ref is one for Realtime too, which wants the key", async () => {
  const { judge } = open(await userWith(await sign()), "1.0.0");
  for (const event of ["phx_join", "access_token", "phx_leave"]) {
    const payload = { access_token: await sign({ exp: inSeconds(7200) }) };
    const judged = await judge(JSON.stringify({ topic: "realtime:a", event, payload }));
    assert.equal(JSON.parse(judged as string).ref, null, event);
  }
});

Deno.test("a vsn 2 broadcast goes as it came, spaces and large numbers included", async () => {
  const { judge } = open(viewer);
  const text = '["1", "2", "realtime:a", "broadcast", {"event": "e", "n": 9007199254740993}]';
  assert.equal(await judge(text), text);
});

Deno.test("malformed frames, unknown events and frames of the other vsn are dropped", async () => {
  const dropped: Record<Vsn, Message[]> = {
    "2.0.0": [
      ...["", "nope", "{}", "[]", "null", '["1","1","realtime:a","phx_join"]'],
      ...['[1,{},"realtime:a","heartbeat",{}]', '["1","1",7,"heartbeat",{}]'],
      '["1","1","realtime:a","phx_close",{}]',
      '{"topic":"realtime:a","event":"phx_join","payload":{},"ref":"1"}',
    ],
    "1.0.0": [
      ...["[]", '["1","1","realtime:a","phx_join",{}]', '{"topic":"realtime:a"}'],
      '{"topic":"realtime:a","event":"phx_error","payload":{},"ref":"1"}',
      new Uint8Array([3, 0, 0, 0, 0, 0, 0]).buffer,
    ],
  };
  for (const vsn of ["1.0.0", "2.0.0"] as const) {
    const { judge, answers } = open(viewer, vsn);
    for (const message of dropped[vsn]) assert.equal(await judge(message), undefined);
    assert.deepEqual(answers, []);
  }
});

function binary(kind: number, topic: string): ArrayBuffer {
  const name = new TextEncoder().encode(topic);
  return new Uint8Array([kind, 1, 1, name.length, 1, 0, 1, 49, 50, ...name, 101, 123, 125]).buffer;
}

Deno.test("of binary frames only a broadcast on a joined topic passes", async () => {
  const { judge } = open(viewer);
  const frame = binary(3, "realtime:a");
  assert.equal(await judge(frame), undefined, "not joined yet");
  await judge(join('{"config":{}}'));
  assert.equal(await judge(frame), frame);
  for (const kind of [0, 1, 2, 4, 255]) {
    assert.equal(await judge(binary(kind, "realtime:a")), undefined);
  }
  assert.equal(await judge(binary(3, "realtime:b")), undefined, "another topic");
  assert.equal(await judge(frame.slice(0, 9)), undefined, "lengths that lie");
  assert.equal(await judge(new Uint8Array([3, 255, 255, 255, 255, 255, 0]).buffer), undefined);
  await judge('["1","5","realtime:a","phx_leave",{}]');
  assert.equal(await judge(frame), undefined, "left");
});

Deno.test("a newer token of the same user goes upstream; an older one is replaced", async () => {
  const [old, now, later] = await Promise.all(
    [60, 600, 6000].map((s) => sign({ exp: inSeconds(s) })),
  );
  const { judge, identities } = open(await userWith(now));
  assert.equal(payloadOf(await judge(push(later))).access_token, later);
  assert.equal(identities.length, 1);
  assert.equal(payloadOf(await judge(join(`{"access_token":"${old}"}`))).access_token, later);
  const expired = await sign({ exp: inSeconds(-60) });
  assert.equal(payloadOf(await judge(join(`{"access_token":"${expired}"}`))).access_token, later);
  assert.equal(identities.length, 1);
  const stranger = await sign({ exp: inSeconds(-60), sub: BOB });
  assert.equal(await judge(join(`{"access_token":"${stranger}"}`)), undefined);
});

Deno.test("a join with a bad or another user's token is answered and not sent", async () => {
  const { judge, answers } = open(await userWith(await sign()));
  const tokens: [string, string][] = [
    [await sign({ sub: BOB }), "token_subject"],
    [await sign({}, "another-secret"), "token_signature"],
    ["garbage", "token_malformed"],
    ["", "token_malformed"],
  ];
  for (const [token, code] of tokens) {
    assert.equal(await judge(join(`{"config":{},"access_token":"${token}"}`)), undefined);
    assert.ok(reasonOf(answers.at(-1)).startsWith(`${code}: `), code);
  }
});

Deno.test("a bad token in a push ends its channel, as Realtime does", async () => {
  const { judge, answers, left } = open(await userWith(await sign()));
  await judge(join('{"config":{}}'));
  assert.equal(await judge(push("garbage")), undefined);
  assert.deepEqual(left, ["realtime:a"]);
  const [joinRef, ref, topic, event, payload] = answers[0] as Answer;
  assert.deepEqual([joinRef, ref, topic, event], ["1", null, "realtime:a", "system"]);
  assert.deepEqual([payload.status, payload.channel], ["error", "a"]);
  assert.deepEqual(answers[1], ["1", "1", "realtime:a", "phx_close", {}]);
  assert.equal(await judge(binary(3, "realtime:a")), undefined, "nothing passes on it");
});

Deno.test("one user never becomes another", async () => {
  const { judge } = open(await userWith(await sign()));
  await assert.rejects(judge(push(await sign({ sub: BOB }))), { code: "token_subject" });
});

Deno.test("a secret key in a frame ends the socket", async () => {
  for (const key of [SECRET_KEY, await sign({ role: "service_role" })]) {
    const { judge } = open(viewer);
    await assert.rejects(judge(push(key)), { code: "secret_key" });
    await assert.rejects(judge(join(`{"access_token":"${key}"}`)), { code: "secret_key" });
  }
});

Deno.test("a viewer may sign in, and signing out ends that socket", async () => {
  const token = await sign();
  const { judge, identities } = open(viewer);
  assert.equal(payloadOf(await judge(push(token))).access_token, token);
  assert.equal(identities[0].kind === "user" && identities[0].id, ALICE);
  await assert.rejects(judge(push(PUBLISHABLE_KEY)), { code: "signed_out" });
  await assert.rejects(judge(join(`{"access_token":"${PUBLISHABLE_KEY}"}`)), {
    code: "signed_out",
  });
});

Deno.test("where the handshake named the user, a public key changes nothing", async () => {
  const token = await sign();
  const { judge } = open(await userWith(token));
  assert.equal(await judge(push(PUBLISHABLE_KEY)), undefined);
  assert.equal(await judge(push(null)), undefined);
  const judged = await judge(join(`{"access_token":"${PUBLISHABLE_KEY}"}`));
  assert.equal(payloadOf(judged).access_token, token);
});

Deno.test("a socket may join a hundred topics and no more", async () => {
  const { judge, answers } = open(viewer);
  for (let index = 0; index < 100; index++) {
    assert.ok(await judge(join('{"config":{}}', `realtime:${index}`)));
  }
  assert.equal(await judge(join('{"config":{}}', "realtime:100")), undefined);
  assert.match(reasonOf(answers[0]), /^too_many_joins: /);
  assert.ok(await judge(join('{"config":{}}', "realtime:7")), "a joined topic may be joined again");
});

const tooBig = { code: "too_big" };

Deno.test("a message over the bound ends the socket, and so do more messages than the burst", async () => {
  const env = { RELAY_MAX_FRAME_BYTES: "1024", RELAY_FRAME_BURST: "5" };
  const { judge } = openGate(viewer, { env, now: () => 0 });
  await assert.rejects(judge("x".repeat(1_025)), tooBig);
  await assert.rejects(judge(new ArrayBuffer(1_025)), tooBig);
  for (let n = 0; n < 5; n++) assert.ok(await judge('[null,"1","phoenix","heartbeat",{}]'));
  await assert.rejects(judge("x"), { code: "too_many_frames" });
});

Deno.test("a join, a leave or a token is read up to 65,536 characters, and answered beyond", async () => {
  const { judge, answers } = openGate(viewer, {});
  const join = (length: number) => {
    const frame = ["1", "1", "realtime:a", "phx_join", { config: { x: "" } }];
    const rest = length - JSON.stringify(frame).length;
    return JSON.stringify(frame).replace('"x":""', `"x":"${"y".repeat(rest)}"`);
  };
  assert.equal(join(65_536).length, 65_536);
  assert.ok(await judge(join(65_536)));
  assert.equal(await judge(join(65_537)), undefined);
  assert.match(JSON.stringify(answers), /too_big: /);
});

Deno.test("what claims to be JSON in a binary broadcast is JSON, or is dropped", async () => {
  const { judge } = openGate(viewer, {});
  await judge('["1","1","realtime:a","phx_join",{"config":{}}]');
  const sends = (payload: string, encoding: number) =>
    judge(bytes(3, "realtime:a", { payload, encoding }).buffer);
  for (const encoding of [1, 2, 255]) {
    assert.ok(await sends('{"a":1}', encoding));
    assert.equal(await sends('{"a":1}}', encoding), undefined);
  }
  assert.ok(await sends("\u0000", 0));
});
