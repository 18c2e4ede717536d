import assert from "node:assert/strict";
import { JsonText } from "../../supabase/functions/relay/broadcast/json_text.ts";
import { RelayError } from "../../supabase/functions/relay/errors.ts";
import { parseFirstKey } from "../relay/support/fuzz/first_key_json.ts";
import { Random } from "../relay/support/fuzz/random.ts";

const encoder = new TextEncoder();
const textOf = (text: string) => new JsonText(encoder.encode(text));
const seedOf = () =>
  Number(Deno.env.get("RELAY_FUZZ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

const NAMES = ["private", "topic", "privat", "privatex", "é", "", "\u0000", '"', "\\", "1"];

/** A string as JSON, with as many escapes as it may have. */
function quote(random: Random, text: string): string {
  const units = Array.from(text, (unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    if (random.oneIn(3)) return `\\u${random.oneIn(2) ? code : code.toUpperCase()}`;
    return JSON.stringify(unit).slice(1, -1);
  });
  return `"${units.join("")}"`;
}

function jsonOf(random: Random, depth: number): string {
  const space = () => random.oneIn(4) ? random.text(" \t\r\n", 4) : "";
  const list = (item: () => string) =>
    `${space()}${
      Array.from({ length: random.below(5) }, item).join(`${space()},${space()}`)
    }${space()}`;
  const kind = random.below(depth > 0 ? 6 : 4);
  if (kind === 5) {
    const member = () =>
      `${quote(random, random.pick(NAMES))}${space()}:${space()}${jsonOf(random, depth - 1)}`;
    return `{${list(member)}}`;
  }
  if (kind === 4) return `[${list(() => jsonOf(random, depth - 1))}]`;
  if (kind === 3) return quote(random, random.text('[]{},:"\\pé\n', 9));
  return random.pick(["true", "false", "null", "0", "-1.5e+30", "12345678901234567890", '"true"']);
}

/** All that JsonText says of a value, as the value that it would be, and where it ends. */
function walk(text: JsonText, from: number): { value: unknown; to: number } {
  if (text.isObject(from)) {
    const value: Record<string, unknown> = Object.create(null);
    const to = text.object(from, (name, from) => {
      const key = text.string(name);
      for (const word of ["private", "topic", "1", ""]) {
        assert.equal(text.says(name, word), key === word);
      }
      const member = walk(text, from);
      if (!Object.hasOwn(value, key)) value[key] = member.value;
      return member.to;
    });
    return { value, to };
  }
  if (text.isArray(from)) {
    const value: unknown[] = [];
    const to = text.array(from, (from) => {
      const item = walk(text, from);
      value.push(item.value);
      return item.to;
    });
    return { value, to };
  }
  const to = text.endOf(from);
  const value = JSON.parse(new TextDecoder().decode(text.bytes({ from, to })));
  for (const word of ["true", "false", "null", "0"]) {
    assert.equal(text.isWord(from, word), !text.isString(from) && String(value) === word);
  }
  return { value, to };
}

Deno.test("what is found in a JSON text is what Realtime reads there", () => {
  const seed = seedOf();
  const random = new Random(seed);
  for (let n = 0; n < 2_000; n++) {
    const json = ` ${jsonOf(random, 5)} `;
    const text = textOf(json);
    const end = text.endOf(text.start);
    const { value, to } = walk(text, text.start);
    text.end(to);
    assert.equal(to, end, `seed ${seed}: ${json}`);
    assert.deepEqual(value, parseFirstKey(json).value, `seed ${seed}: ${json}`);
  }
});

Deno.test("a text that is cut or spoilt is refused, or found to say what a part of it says", () => {
  const seed = seedOf();
  const random = new Random(seed);
  for (let n = 0; n < 5_000; n++) {
    const json = jsonOf(random, 4);
    const at = random.below(json.length);
    const spoilt = json.slice(0, at) + random.text('[]{},:"\\ 1tx\u0000', 3) +
      json.slice(at + random.below(3));
    try {
      const text = textOf(spoilt);
      text.end(walk(text, text.start).to);
    } catch (error) {
      const isTold = error instanceof SyntaxError || error instanceof RelayError;
      assert.ok(isTold, `seed ${seed}: ${spoilt}: ${error}`);
      assert.throws(() => JSON.parse(spoilt), `seed ${seed}: ${spoilt} is JSON`);
    }
  }
});

Deno.test("a text is refused where it is nested over 64 deep, however it goes on", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const read = (text: string) => textOf(text).endOf(0);
  assert.ok(read(nested(64)));
  assert.ok(read(`{"a":${nested(63)},"b":${nested(63)}}`));
  for (
    const text of [nested(65), "[".repeat(3_000_000), '{"a":'.repeat(600_000), "[{".repeat(33)]
  ) {
    assert.throws(() => read(text), /nested over 64 deep/);
  }
  // What is walked over counts as well as what is passed over.
  const within = (depth: number) => textOf(`[{"a":${nested(depth)}}]`);
  for (const [depth, passes] of [[62, true], [63, false]] as const) {
    const text = within(depth);
    const walk = () => text.array(0, (from) => text.object(from, (_, from) => text.endOf(from)));
    if (passes) text.end(walk());
    else assert.throws(walk, /nested over 64 deep/);
  }
});
