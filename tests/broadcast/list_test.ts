import assert from "node:assert/strict";
import { testOnNewest } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { accepted, post, upstreamThat } from "./support/post.ts";

/** A list as a client writes it, and as it goes on. Of equal keys the first counts, as in Realtime. */
const REWRITTEN: [what: string, messages: string, sent: string][] = [
  [
    "a payload arrives to the digit",
    '{"topic":"a","event":"e","payload":{"id":1234567890123456789, "x" : 1.50,"x":2e400,"é":"\\u00e9"}}',
    '{"topic":"a","event":"e","payload":{"id":1234567890123456789, "x" : 1.50,"x":2e400,"é":"\\u00e9"},"private":false}',
  ],
  [
    "the first of two",
    '{"topic":"a","topic":"b","event":"e","event":"f","payload":{},"payload":{"n":1},"private":true,"private":false}',
    '{"topic":"a","event":"e","payload":{},"private":true}',
  ],
  [
    "escaped names are names",
    '{"t\\u006fpic":"a","topic":"b","\\u0065vent":"e","payload":{},"privat\\u0065":"1"}',
    '{"topic":"a","event":"e","payload":{},"private":true}',
  ],
  [
    "a topic keeps what it holds, and what Realtime prefixes elsewhere",
    '{"topic":"realtime:\\u0061/\\u00e4 b%2f+\\n\\u0000","event":"e","payload":{}}',
    '{"topic":"realtime:a/ä b%2f+\\n\\u0000","event":"e","payload":{},"private":false}',
  ],
  [
    "other keys stay here",
    '{"id":"x","topic":"a","__proto__":{"private":true},"event":"e","payload":{},"extra":[1]}',
    '{"topic":"a","event":"e","payload":{},"private":false}',
  ],
  ["what is missing is for Realtime to tell", '{"topic":"a"}', '{"topic":"a","private":false}'],
  [
    "so is what is of another kind",
    '{"topic":"a","event":7,"payload":"text"}',
    '{"topic":"a","event":7,"payload":"text","private":false}',
  ],
];

testOnNewest("a list goes on as it was judged, and its payloads as they came", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    for (const [what, messages, sent] of REWRITTEN) {
      const body =
        ` {"x":{"messages":[]}, "messages" : [ ${messages} ],"messages":[{"topic":"z"}]}\n`;
      const { status, text } = await post(served, "/api/broadcast", { headers, body });
      assert.equal(status, 202, `${what}: ${text}`);
      assert.equal(arrived.pop()!.body, `{"messages":[${sent}]}`, what);
    }
  });
});

testOnNewest("what is no list of messages with topics never goes on", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  await withRelay(host, { onRequest }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    const good = '{"topic":"a","event":"e","payload":{}}';
    const bodies = [
      ...["", " ", "null", "[]", `[${good}]`, "{}", "nope", '"messages"', '{"messages":null}'],
      ...['{"messages":{}}', `{"messages":{"0":${good}}}`, `{"messages":${good}}`],
      ...["null", "[]", "7", '"a"', "{}", '{"event":"e"}', '{"topic":null}', '{"topic":7}']
        .map((message) => `{"messages":[${good},${message}]}`),
      ...['{"topic":["a"]}', '{"topic":{}}', '{"topic":"a","event":tru e}', '{"topic":"\\ud"}']
        .map((message) => `{"messages":[${message}]}`),
      ...[`{"messages":[${good},]}`, `{"messages":[${good}`, `{"messages":[${good}]}x`],
      ...[`{"messages":[${good} ${good}]}`, `{"messages":[,${good}]}`, `{"messages":[${good}}`],
      `{"messages":[${Array(101).fill(good)}]}`,
      `\ufeff{"messages":[${good}]}`,
    ];
    for (const body of bodies) {
      const { status, code } = await post(served, "/api/broadcast", { headers, body });
      assert.deepEqual([status, code], [400, "bad_request"], body.slice(0, 100));
    }
    const bytes = new TextEncoder().encode('{"messages":[{"topic":"?"}]}');
    bytes[bytes.indexOf(63)] = 0xff;
    assert.equal((await post(served, "/api/broadcast", { headers, body: bytes })).status, 400);
    assert.equal(arrived.length, 0);
  });
});

testOnNewest("a list's topic is judged as Realtime reads it", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = { RELAY_POLICY: JSON.stringify({ authenticated: { topics: ["room:*"] } }) };
  await withRelay(host, { onRequest, env }, async (served) => {
    const headers = { authorization: `Bearer ${await sign()}` };
    const cases: [string, boolean][] = [
      ['"topic":"room:1"', true],
      ['"topic":"room:1","topic":"secret"', true],
      ['"topic":"secret","topic":"room:1"', false],
      ['"t\\u006fpic":"secret","topic":"room:1"', false],
      ['"topic":"realtime:room:1"', false],
      ['"topic":"Room:1"', false],
      ['"topic":" room:1"', false],
      ['"topic":"r\\u006fom:1"', true],
    ];
    for (const [topic, passes] of cases) {
      const body = `{"messages":[{${topic},"event":"e","payload":{}}]}`;
      const { status, code } = await post(served, "/api/broadcast", { headers, body });
      const expected = passes ? [202, undefined] : [403, "topic_forbidden"];
      assert.deepEqual([status, code], expected, topic);
    }
    for (const { body } of arrived) {
      assert.deepEqual(JSON.parse(body).messages[0].topic, "room:1");
      assert.ok(!body.includes("secret"));
    }
  });
});

testOnNewest("a topic of the path is judged and sent as one and the same", async (host) => {
  const { onRequest, arrived } = upstreamThat(accepted);
  const env = { RELAY_POLICY: JSON.stringify({ authenticated: { topics: ["a*"] } }) };
  await withRelay(host, { onRequest, env }, async (served) => {
    const authorization = `Bearer ${await sign()}`;
    const headers = { authorization, "content-type": "application/json" };
    const topics = [
      "a/b",
      "a+b",
      "a b",
      "a%2e",
      "a%252e",
      "a\u0000\n",
      "a?private=true",
      "a#",
      "aä",
    ];
    topics.push("a/events/e", "a;b", "a:1", "a\\..", "a&private=true", "a%ff");
    for (const topic of topics) {
      const path = `/api/broadcast/${encodeURIComponent(topic)}/events/e`;
      const { status, text } = await post(served, path, { headers, body: "{}" });
      assert.equal(status, 202, `${topic}: ${text}`);
      const [, sent] = /^\/realtime\/v1\/api\/broadcast\/([^/?#]+)\/events\/e$/
        .exec(arrived.pop()!.path)!;
      assert.equal(decodeURIComponent(sent), topic);
    }
    for (const topic of ["%2e%2e", "b%2fa", "%61%62%ff", "realtime%3Aa", "%00a", "+a"]) {
      const path = `/api/broadcast/${topic}/events/e`;
      const { status } = await post(served, path, { headers, body: "{}" });
      assert.ok([400, 403, 404].includes(status), topic);
    }
    assert.equal(arrived.length, 0);
  });
});
