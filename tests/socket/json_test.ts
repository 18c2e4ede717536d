import assert from "node:assert/strict";
import {
  endOfValue,
  MALFORMED,
  MAX_DEPTH,
  TOO_DEEP,
} from "../../supabase/functions/relay/realtime/json.ts";
import { Random } from "../relay/support/fuzz/random.ts";
import { costOf } from "./support/cost.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the whole text is one value for the relay. */
function isValue(text: string): boolean {
  const end = endOfValue(text, 0, MAX_DEPTH);
  return end >= 0 && text.slice(end).replace(/[ \t\r\n]+/, "") === "";
}

const CASES = [
  ...[
    "null",
    "true",
    "false",
    "nul",
    "nulll",
    "TRUE",
    "undefined",
    "",
    " ",
    "\n1\t",
    "\u00a01",
    "\ufeff1",
  ],
  ...[
    "0",
    "-0",
    "00",
    "01",
    "-",
    "-01",
    "1.",
    ".1",
    "1.0",
    "1e5",
    "1E+5",
    "1e",
    "1e+",
    "0e0",
    "1.5e-3",
    "+1",
  ],
  ...["NaN", "Infinity", "0x1", "1 2", "1,", "9".repeat(2000)],
  ...['""', '"', '"a', '"\\', '"\\"', '"\\""', '"\\\\"', '"\\\\\\"', '"\\x"', '"\\u"', '"\\u12"'],
  ...[
    '"\\u12g4"',
    '"\\uD800"',
    '"\\ud83d\\ude00"',
    '"\n"',
    '"\0"',
    '"\u007f\u2028"',
    '"\ud800"',
    "'a'",
  ],
  ...['"\\u0000"', '"a"b', '"a""b"', '"\\/\\b\\f\\n\\r\\t"'],
  ...[
    "[]",
    "[ ]",
    "[",
    "]",
    "[1]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,2]",
    "[[],[[]]]",
    "[}",
    "[1}",
    "[]]",
  ],
  ...[
    "{}",
    "{ }",
    "{",
    "}",
    '{"a"}',
    '{"a":}',
    '{"a":1}',
    '{"a":1,}',
    '{,"a":1}',
    "{1:2}",
    "{a:1}",
    '{"a" : 1 , "b":[]}',
  ],
  ...[
    '{"a":1"b":2}',
    '{"a":1]',
    '["a":1]',
    '{"a":1,"a":2}',
    '{"__proto__":1}',
    "[1]x",
    "//",
    "[1,/**/2]",
  ],
];

Deno.test("a value is JSON for the relay where it is for the engine, and ends where it ends there", () => {
  for (const text of CASES) {
    assert.equal(isValue(text), isJson(text), JSON.stringify(text));
    // The same where it is too long to be looked at by the character.
    const long = text.replace(/"/, `"${"x".repeat(100)}`);
    assert.equal(isValue(long), isJson(long), JSON.stringify(long));
    const inner = `[${text}]`;
    assert.equal(isValue(inner), isJson(inner), JSON.stringify(inner));
  }
});

const ALPHABET = [
  ...'[]{},:"\\ \n01-.eEutfn/',
  "null",
  "true",
  '"a"',
  '"a":',
  "\\u00",
  "é",
  "\u0001",
];

Deno.test("what is put together at random is JSON for the relay where it is for the engine", () => {
  const random = new Random(Number(Deno.env.get("RELAY_FUZZ_SEED")) || Date.now());
  let good = 0;
  for (let n = 0; n < 50_000; n++) {
    let text = "";
    for (let length = random.below(9); length >= 0; length--) text += random.pick(ALPHABET);
    if (isJson(text)) good++;
    assert.equal(isValue(text), isJson(text), JSON.stringify(text));
  }
  assert.ok(good > 500, `only ${good} were JSON`);
});

Deno.test("how deep a value may nest is up to who asks", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert.equal(endOfValue(nested(32), 0, 32), 64);
  assert.equal(endOfValue(nested(33), 0, 32), TOO_DEEP);
  assert.equal(endOfValue(`[${nested(31)},${nested(31)}]`, 0, 32), 127, "side by side");
  assert.equal(endOfValue('{"a":'.repeat(33), 0, 32), TOO_DEEP);
  assert.equal(endOfValue(nested(MAX_DEPTH), 0, MAX_DEPTH), 2 * MAX_DEPTH);
  assert.equal(endOfValue("[".repeat(20), 0, 32), MALFORMED);
});

Deno.test("twice the text takes twice the time, and a nested byte no more than three flat ones", () => {
  const flat = (size: number) => `[${"12,".repeat(size / 3)}1]`;
  const texts: Record<string, (size: number) => string> = {
    flat,
    nested: (size) => `[${`${"[".repeat(400)}${"]".repeat(400)},`.repeat(size / 801)}1]`,
    "side by side": (size) => `[${"[],".repeat(size / 3)}1]`,
    "a broken off nest": (size) => "[".repeat(size),
    "short strings": (size) => `[${'"a",'.repeat(size / 4)}1]`,
    "one string": (size) => `"${"x".repeat(size)}"`,
    "one string of escapes": (size) => `"${"\\\\".repeat(size / 2)}"`,
    "one string of quotes": (size) => `"${'\\"'.repeat(size / 2)}"`,
    "strings of quotes": (size) => `[${'"\\"",'.repeat(size / 5)}1]`,
    blanks: (size) => " ".repeat(size),
    "a number": (size) => "9".repeat(size),
  };
  const look = (text: string) => costOf((text) => endOfValue(text, 0, MAX_DEPTH), text);
  const unit = look(flat(40_000));
  for (const [name, make] of Object.entries(texts)) {
    const [one, two] = [look(make(40_000)), look(make(80_000))];
    assert.ok(two < 4 * one + unit, `${name}: twice the text takes ${two / one} times as long`);
    assert.ok(one < 3 * unit, `${name}: a byte costs ${one / unit} flat ones`);
  }
});
