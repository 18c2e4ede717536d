import assert from "node:assert/strict";
import { createAuthenticator, type Identity } from "../supabase/functions/relay/authenticate.ts";
import { readConfig } from "../supabase/functions/relay/config.ts";
import { Gate } from "../supabase/functions/relay/gate.ts";
import type { Message } from "../supabase/functions/relay/runtime.ts";
import type { Vsn } from "../supabase/functions/relay/upstream.ts";
import {
  ALICE,
  BOB,
  inSeconds,
  PUBLISHABLE_KEY,
  SECRET,
  SECRET_KEY,
  sign,
} from "./support/tokens.ts";

const config = readConfig({
  SUPABASE_URL: "http://127.0.0.1:1",
  SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
  RELAY_JWT_SECRET: SECRET,
});
const authenticator = createAuthenticator(config, fetch, Date.now);

const viewer: Identity = { kind: "anonymous" };
async function userWith(token: string): Promise<Identity> {
  return await authenticator.authenticate({ kind: "token", token });
}

/** A gate, with what it answered and the identities that it took over. */
function open(identity: Identity, vsn: Vsn = "2.0.0") {
  const answers: unknown[] = [];
  const identities: Identity[] = [];
  let joins = 0;
  const gate = new Gate({ identity, vsn, config, authenticator, runtime: Date }, {
    answer: (text) => answers.push(JSON.parse(text)),
    onIdentity: (next) => identities.push(next),
    onJoin: () => joins++,
  });
  const judge = async (message: Message) => await gate.judge(message);
  return { answers, identities, judge, joins: () => joins };
}

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

Deno.test("JSON nested a hundred thousand deep is dropped, not thrown", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const { judge } = open(viewer, "1.0.0");
  await judge(`{"topic":"realtime:a","event":"broadcast","payload":${deep},"ref":"1"}`);
});

Deno.test("a join that cannot be written is none: nothing passes on its topic", async () => {
  const { judge, joins } = open(viewer);
  const { stringify } = JSON;
  // As older engines do with what is nested deeply.
  JSON.stringify = () => {
    throw new RangeError("Maximum call stack size exceeded");
  };
  try {
    assert.equal(await judge(join('{"config":{}}')), undefined);
  } finally {
    JSON.stringify = stringify;
  }
  assert.equal(joins(), 0);
  assert.equal(await judge(binary(3, "realtime:a")), undefined);
});

function binary(kind: number, topic: string, payload = 2): ArrayBuffer {
  const name = new TextEncoder().encode(topic);
  return new Uint8Array([kind, 1, 1, name.length, 1, 0, 1, 49, 50, ...name, 101, ...Array(payload)])
    .buffer;
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
  const { judge, answers } = open(await userWith(await sign()));
  await judge(join('{"config":{}}'));
  const judged = JSON.parse(await judge(push("garbage")) as string);
  assert.deepEqual(judged, ["1", "9", "realtime:a", "phx_leave", {}]);
  const [joinRef, ref, topic, event, payload] = answers[0] as Answer;
  assert.deepEqual([joinRef, ref, topic, event], ["1", null, "realtime:a", "system"]);
  assert.deepEqual([payload.status, payload.channel], ["error", "a"]);
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
