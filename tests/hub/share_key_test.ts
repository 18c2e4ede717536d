import assert from "node:assert/strict";
import { type Frame, parseFrame } from "../../supabase/functions/relay/realtime/phoenix.ts";
import { shareOf } from "../../supabase/functions/relay/hub/group/share_key.ts";

const TOPIC = "realtime:clicks";

/** The join that a gate lets through for this JSON text of a config. */
function joinOf(config: string, topic = TOPIC): Frame {
  const text = `["1","1",${JSON.stringify(topic)},"phx_join",{"config":${config}}]`;
  return parseFrame("2.0.0", text)!;
}

const nameOf = (config: string, topic?: string, key = "sb_publishable_a") =>
  shareOf("2.0.0", key, joinOf(config, topic))?.name;

const bound = (...pairs: string[]) => `{"postgres_changes":[{${pairs.join(",")}}]}`;
const plain = bound('"event":"*"', '"schema":"public"', '"table":"a"');

Deno.test("equal joins share, however their keys are ordered", () => {
  const other = bound('"table":"a"', '"schema":"public"', '"event":"*"');
  assert.ok(nameOf(plain));
  assert.equal(nameOf(plain), nameOf(other));
  assert.equal(
    nameOf(`{"private":true,"broadcast":{"self":false,"ack":false}}`),
    nameOf(`{"broadcast":{"ack":false,"self":false},"private":true}`),
  );
});

Deno.test("what goes upstream is what the name says", () => {
  const share = shareOf("2.0.0", "key", joinOf(plain))!;
  assert.equal(JSON.stringify(JSON.parse(share.payload)), share.payload);
  assert.deepEqual(JSON.parse(share.name), ["2.0.0", "key", TOPIC, share.payload]);
});

/** Pairs that a careless comparison takes for the same. */
const different: Record<string, [string, string]> = {
  "order of bindings": [
    `{"postgres_changes":[{"table":"a"},{"table":"b"}]}`,
    `{"postgres_changes":[{"table":"b"},{"table":"a"}]}`,
  ],
  "one binding and two": [
    `{"postgres_changes":[{"schema":"s","table":"a"}]}`,
    `{"postgres_changes":[{"schema":"s"},{"table":"a"}]}`,
  ],
  "order of columns": [bound('"select":["a","b"]'), bound('"select":["b","a"]')],
  "one column and two": [bound('"select":["a","b"]'), bound('"select":["a,b"]')],
  "quotes inside a value": [
    bound(String.raw`"filter":"a","table":"b"`),
    bound(String.raw`"filter":"a\",\"table\":\"b"`),
  ],
  "unicode composed and not": [bound('"filter":"n=eq.é"'), bound('"filter":"n=eq.e\u0301"')],
  "a lone surrogate and what stands in for it": [
    bound(String.raw`"filter":"\ud800"`),
    bound('"filter":"\ufffd"'),
  ],
  "two lone surrogates": [
    bound(String.raw`"filter":"\ud800"`),
    bound(String.raw`"filter":"\ud801"`),
  ],
  "a zero inside": [bound(String.raw`"filter":"a\u0000b"`), bound('"filter":"a"')],
  "letters of another case": [bound('"table":"A"'), bound('"table":"a"')],
  "spaces": [bound('"table":"a "'), bound('"table":"a"')],
  "private and public": [`{"private":true}`, `{"private":false}`],
  "a filter and none": [bound('"table":"a"'), bound('"table":"a"', '"filter":""')],
  "all columns and none": [bound('"table":"a"'), bound('"table":"a"', '"select":[]')],
  "of duplicate keys the last, which alone goes upstream": [
    bound('"table":"a","table":"b"'),
    bound('"table":"b","table":"a"'),
  ],
};

for (const [what, [one, other]] of Object.entries(different)) {
  Deno.test(`joins that differ do not share: ${what}`, () => {
    assert.ok(nameOf(one) && nameOf(other), "each may be shared with its like");
    assert.notEqual(nameOf(one), nameOf(other));
  });
}

Deno.test("topics, keys and wire formats do not mix, whatever stands in them", () => {
  const names = [
    nameOf(plain, "realtime:a"),
    nameOf(plain, "realtime:A"),
    nameOf(plain, 'realtime:a","{'),
    nameOf(plain, "realtime:a", "other"),
    nameOf(plain, "realtime:a", 'sb_publishable_a","realtime:a'),
    shareOf("1.0.0", "sb_publishable_a", joinOf(plain, "realtime:a"))?.name,
  ];
  assert.ok(names.every(Boolean));
  assert.equal(new Set(names).size, names.length);
});

/** Configs that make a difference between viewers, or whose meaning nobody here knows. */
const unshareable: string[] = [
  "null",
  "[]",
  '"x"',
  "5",
  `{"presence":{"enabled":true,"key":""}}`,
  `{"presence":{"enabled":"false"}}`,
  `{"presence":{"enabled":false,"key":"me"}}`,
  `{"presence":{"enabled":false,"key":0}}`,
  `{"presence":true}`,
  `{"broadcast":{"ack":true}}`,
  `{"broadcast":{"self":true}}`,
  `{"broadcast":{"ack":"false"}}`,
  `{"broadcast":{"ack":0}}`,
  `{"broadcast":{"ack":false,"replay":{"since":1}}}`,
  `{"broadcast":{"replication_ready":true}}`,
  `{"broadcast":[]}`,
  `{"private":"true"}`,
  `{"private":1}`,
  `{"private":null}`,
  `{"postgres_changes":{}}`,
  `{"postgres_changes":null}`,
  `{"postgres_changes":["a"]}`,
  `{"postgres_changes":[[]]}`,
  `{"postgres_changes":[{"table":1}]}`,
  `{"postgres_changes":[{"filter":null}]}`,
  `{"postgres_changes":[{"select":"a"}]}`,
  `{"postgres_changes":[{"select":[1]}]}`,
  `{"postgres_changes":[{"claims":{}}]}`,
  `{"postgres_changes":[{"table":"a","user_token":"x"}]}`,
  `{"postgres_changes_options":{"wait":true}}`,
  `{"something_new":false}`,
  `{"__proto__":{"private":true}}`,
  `{"constructor":{}}`,
  `{"toString":false}`,
  `{"hasOwnProperty":false}`,
  `{"postgres_changes":[{"__proto__":{"table":"a"}}]}`,
  `{"postgres_changes":[{"length":"1"}]}`,
  `{"":false}`,
  bound(`"filter":"${"x".repeat(9000)}"`),
];

for (const config of unshareable) {
  Deno.test(`never shared: ${config.slice(0, 60)}`, () => {
    assert.equal(nameOf(config), undefined);
  });
}

Deno.test("a join without a config, of another kind of topic, or with a token is never shared", () => {
  const shared = (payload: unknown, topic = TOPIC) =>
    shareOf("2.0.0", "key", { topic, event: "phx_join", payload, join_ref: "1", ref: "1" });
  assert.ok(shared({ config: {} }));
  assert.equal(shared({ config: {} }, "phoenix"), undefined);
  for (
    const payload of [undefined, null, {}, [], { config: {}, access_token: "x" }, {
      config: {},
      user_token: "x",
    }]
  ) assert.equal(shared(payload), undefined, JSON.stringify(payload));
});
