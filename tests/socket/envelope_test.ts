import assert from "node:assert/strict";
import { readEnvelope } from "../../supabase/functions/relay/realtime/envelope.ts";
import { encodeFrame, parseFrame } from "../../supabase/functions/relay/realtime/phoenix.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { makeFrame } from "../relay/support/fuzz/frames.ts";
import { Random } from "../relay/support/fuzz/random.ts";
import { costOf } from "./support/cost.ts";

const namesOf = (vsn: Vsn, text: string) => {
  const { join_ref, ref, topic, event } = readEnvelope(vsn, text)?.frame ?? {};
  return [join_ref, ref, topic, event];
};

/** The four values that Realtime reads (Jason 1.4), by the text of a vsn 2.0.0 frame. */
const READ: [string, unknown[]][] = [
  ['["1","2","realtime:a","broadcast",{}]', ["1", "2", "realtime:a", "broadcast"]],
  [' [ \t"1"\n,\r"2" , "realtime:a" ,"presence" , {"a" : [1,2]}]\n', [
    ...["1", "2", "realtime:a", "presence"],
  ]],
  ['[null,null,"phoenix","heartbeat",{}]', [null, null, "phoenix", "heartbeat"]],
  ['[1,-2.5e3,"a","broadcast",{}]', [1, -2500, "a", "broadcast"]],
  ['[-0,1E5,"a","broadcast",{}]', [-0, 100_000, "a", "broadcast"]],
  ['["","","","",{}]', ["", "", "", ""]],
  ['["1","2","realtime:\\u0061","ph\\u0078_join",{}]', ["1", "2", "realtime:a", "phx_join"]],
  ['["\\"","\\\\","\\/\\b\\f\\n\\r\\t","\\u0000",{}]', ['"', "\\", "/\b\f\n\r\t", "\0"]],
  ['["1","2","\\uD83D\\ude00","b",{}]', ["1", "2", "😀", "b"]],
  ['["1","2","漢\u2028\u007f\u00a0","b",{}]', ["1", "2", "漢\u2028\u007f\u00a0", "b"]],
  ['["]","[","{,}","\\",\\"",{}]', ["]", "[", "{,}", '","']],
  // What stands behind the fourth does not change it, in Realtime either.
  ['["1","2","a","b",{},"phx_join"]', ["1", "2", "a", "b"]],
  ['["1","2","a","b",{"event":"phx_join"},{"topic":"c"}]', ["1", "2", "a", "b"]],
  [`["1","2","a","b",${"[".repeat(100_000)}`, ["1", "2", "a", "b"]],
  ['["1","2","a","b",]', ["1", "2", "a", "b"]],
  ['["1","2","a","b",{}] trailing', ["1", "2", "a", "b"]],
];

/** Where Realtime reads nothing, or it is not certain that it reads the same. */
const UNREAD = [
  ...["", " ", "[", "[]", "null", "{}", '"x"', '["1","2","a","b"]', '["1","2","a","b"', "[[[[[["],
  ...['["1","2","a"b,{}]', '["1","2","a",b,{}]', '["1",,"2","a","b",{}]', '[,"1","2","a","b",{}]'],
  ...['\ufeff["1","2","a","b",{}]', '\u00a0["1","2","a","b",{}]', '\0["1","2","a","b",{}]'],
  ...['["1","2","a\n","b",{}]', '["1","2","a\u001f","b",{}]', '["1","2","a\\x","b",{}]'],
  ...[
    '["1","2","\\ud800","b",{}]',
    '["1","2","\\udc00\\ud800","b",{}]',
    '["1","2","\ud800","b",{}]',
  ],
  ...['["\\ud800",null,"a","b",{}]', '["1","2","a\\u12","b",{}]', '["1","2","a\\","b",{}]'],
  ...['[01,2,"a","b",{}]', '[+1,2,"a","b",{}]', '[1.,2,"a","b",{}]', '[1e,2,"a","b",{}]'],
  ...['[1e999,2,"a","b",{}]', '[0x1,2,"a","b",{}]', '[NaN,2,"a","b",{}]', '[- 1,2,"a","b",{}]'],
  ...['[true,2,"a","b",{}]', '[{},"2","a","b",{}]', '[["1"],"2","a","b",{}]', '["1",2,3,"b",{}]'],
  ...[
    '["1","2",null,"b",{}]',
    '["1","2","a",null,{}]',
    '["1","2","a",["b"],{}]',
    "['1','2','a','b',1]",
  ],
  ...[`["1","2","${"x".repeat(1025)}","b",{}]`, `["${"x".repeat(1025)}","2","a","b",{}]`],
  ...[`[${"9".repeat(7_000)},"2","a","b",{}]`, `["1","2","a","${"x".repeat(1_000_000)}",{}]`],
  '["1","2","a","b"/**/,{}]',
];

Deno.test("the first four values of a list are read as Realtime reads them, or not at all", () => {
  for (const [text, values] of READ) {
    assert.deepEqual(namesOf("2.0.0", text), values, text.slice(0, 80));
    assert.equal(readEnvelope("2.0.0", text)!.text, text);
  }
  for (const text of UNREAD) {
    assert.equal(readEnvelope("2.0.0", text), undefined, text.slice(0, 80));
  }
  const longest = "\\u0041".repeat(1024);
  assert.equal(namesOf("2.0.0", `["1","2","${longest}","b",1]`)[2], "A".repeat(1024));
});

const OBJECTS: [string, string][] = [
  ['{"topic":"a","event":"b","payload":{},"ref":"1","join_ref":"2"}', ""],
  [
    ' {\t"ref" : 1 , "payload" : {"n": 9007199254740993} , "event":"b","topic":"a"} ',
    '{"topic":"a","event":"b","payload":{"n": 9007199254740993},"ref":1}',
  ],
  [
    '{"topic":"x","event":"y","topic":"a","payload":1,"event":"b","payload":{"a":1,"a":2}}',
    '{"topic":"a","event":"b","payload":{"a":1,"a":2}}',
  ],
  ['{"topic":{},"topic":"a","event":"b","\\u0072ef":null}', '{"topic":"a","event":"b","ref":null}'],
  ['{"__proto__":{"topic":"x"},"topic":"a","event":"b","x":[]}', '{"topic":"a","event":"b"}'],
];

Deno.test("an object is written anew, each key once and the last of equal ones", () => {
  for (const [text, expected] of OBJECTS) {
    assert.equal(readEnvelope("1.0.0", text)!.text, expected || text);
    assert.deepEqual(namesOf("1.0.0", text).slice(2), ["a", "b"], text);
  }
  const unread = [
    ...["{}", "[]", "{", '{"topic":"a"}', '{"topic":"a","event":1}', '{"topic":"a","event":"b"}x'],
    ...[
      '{"topic":"a","event":"b",}',
      '{"topic":"a","event":"b","payload":}',
      '\ufeff{"topic":"a"}',
    ],
    ...['{"topic":"a","event":"b","payload":[}', '{"topic":"a","event":"b","ref":{}}'],
    ...[
      '{"topic":"a","event":"b","ref":true}',
      '{"topic":"a","event":"b","ref":1e999}',
      '{"topic"',
    ],
    ...[
      '{"topic":"a" "event":"b"}',
      '{"topic":"a","event":"b","payload":"\\x"}',
      '{"topic":"\\ud800"',
    ],
    `{"topic":"a","event":"b","payload":${"[".repeat(600)}${"]".repeat(600)}}`,
  ];
  for (const text of unread) {
    assert.equal(readEnvelope("1.0.0", text), undefined, text.slice(0, 80));
  }
});

Deno.test("an envelope is read as the whole frame would be", () => {
  const seed = Number(Deno.env.get("RELAY_FUZZ_SEED")) || Date.now();
  const random = new Random(seed);
  let read = 0;
  for (let n = 0; n < 20_000; n++) {
    const vsn = random.pick(["1.0.0", "2.0.0"] as const);
    const text = makeFrame(random, vsn, ["a.b.c"]);
    // On the wire text is UTF-8; and what nests deeper is not written anew.
    if (typeof text !== "string" || text.length > 100_000) continue;
    const what = `seed ${seed}: ${text}`;
    const whole = parseFrame(vsn, text);
    const envelope = readEnvelope(vsn, text);
    if (!whole) {
      if (vsn === "1.0.0") assert.equal(envelope, undefined, what);
      continue;
    }
    read++;
    const { payload, ...names } = whole;
    if (Number.isFinite(names.ref ?? 0) && Number.isFinite(names.join_ref ?? 0)) {
      assert.deepEqual(envelope?.frame, names, what);
      const again = parseFrame(vsn, envelope!.text)!;
      assert.equal(JSON.stringify(again), JSON.stringify({ ...names, payload }), what);
    }
  }
  assert.ok(read > 2_000, `only ${read} were frames`);
});

Deno.test("what a list holds behind its fourth value costs nothing", () => {
  const text = (payload: string) => `["1","2","realtime:a","broadcast",${payload}]`;
  const read = (text: string) => {
    for (let n = 0; n < 200; n++) readEnvelope("2.0.0", text);
  };
  const small = costOf(read, text("{}"));
  for (const payload of ["[".repeat(400_000), `"${"x".repeat(400_000)}"`, "[],".repeat(130_000)]) {
    const cost = costOf(read, text(payload));
    assert.ok(cost < 4 * small, `${payload.slice(0, 9)}… costs ${cost / small} times as much`);
  }
});

Deno.test("a nested byte of an object costs no more than three flat ones", () => {
  const nest = "[".repeat(500) + "]".repeat(500);
  const flat = JSON.stringify(Array(13_000).fill(12));
  const write = (payload: string) =>
    encodeFrame("1.0.0", { topic: "realtime:a", event: "broadcast", ref: "1", payload: 0 })
      .replace('"payload":0', `"payload":${payload}`);
  const read = (text: string) => readEnvelope("1.0.0", text);
  const unit = costOf(read, write(flat)) / flat.length;
  for (
    const payload of [
      `[${`${nest},`.repeat(39)}1]`,
      "[".repeat(40_000),
      `[${"[],".repeat(13_000)}1]`,
    ]
  ) {
    const cost = costOf(read, write(payload)) / payload.length;
    assert.ok(cost < 3 * unit, `${payload.slice(0, 9)}… costs ${cost / unit} flat ones`);
  }
});
