import assert from "node:assert/strict";
import { type Condition, parseFilter } from "../../tools/stack/realtime/bindings/filter.ts";
import { inspect } from "../../tools/stack/realtime/bindings/inspect.ts";
import { decode } from "../../tools/stack/realtime/wire/json.ts";

const condition = (column: string, op: string, value: string, not = false): Condition => ({
  column,
  op,
  value,
  not,
});

const READ: [string, Condition[]][] = [
  ["", []],
  ["  ", []],
  ["a=eq.1", [condition("a", "eq", "1")]],
  ["a=not.eq.1", [condition("a", "eq", "1", true)]],
  [" a=gt.1 , b=lt.2 ", [condition("a", "gt", "1"), condition("b", "lt", "2")]],
  ["a=eq.", [condition("a", "eq", "")]],
  ["a=eq.x.y=z", [condition("a", "eq", "x.y=z")]],
  ["a=eq.not.eq.x", [condition("a", "eq", "not.eq.x")]],
  ['a=eq."x,y"', [condition("a", "eq", "x,y")]],
  ['a=eq."say \\"hi\\" \\\\"', [condition("a", "eq", 'say "hi" \\')]],
  ['a=eq."x"y', [condition("a", "eq", '"x"y')]],
  ["a=eq.f(x,y)", [condition("a", "eq", "f(x,y)")]],
  ["a=in.(1, 2)", [condition("a", "in", "{1, 2}")]],
  ['a=in.("x,y",z)', [condition("a", "in", '{"x,y",z}')]],
  ["a=in.()", [condition("a", "in", "{}")]],
  ["a=not.in.(1)", [condition("a", "in", "{1}", true)]],
];

Deno.test("filters are read as the original reads them", () => {
  for (const [filter, conditions] of READ) {
    assert.deepEqual(parseFilter(filter), conditions, filter);
  }
});

const REFUSED: [string, string][] = [
  ["garbage", '["garbage"]'],
  ["t=a", '["a"]'],
  ["t=eq", '["eq"]'],
  ["t=foo.1", '["foo", "1"]'],
  ["t=EQ.a", '["EQ", "a"]'],
  ["t=not.not.eq.a", '["not", "eq.a"]'],
  ["t=not.a", '["a"]'],
  ["t=eq.a,b", '["b"]'],
  ["t=eq.a,", "filter must not contain empty segments (check for extra commas)"],
  ["t=in.1,2", "`in` filter value must be wrapped by parentheses"],
  ["or=(a.eq.1,a.eq.2)", '["(a", "eq.1,a.eq.2)"]'],
];

Deno.test("filters that cannot be read are refused in the original's words", () => {
  for (const [filter, reason] of REFUSED) {
    const message = `Error parsing \`filter\` params: ${reason}`;
    assert.throws(() => parseFilter(filter), { message }, filter);
  }
});

Deno.test("values are quoted in messages as Elixir prints them", () => {
  assert.equal(inspect(decode('{"b":[1,"x\\"y"],"a":null}')), '%{"a" => nil, "b" => [1, "x\\"y"]}');
  assert.equal(inspect(new Map()), "%{}");
  assert.equal(inspect([]), "[]");
  assert.equal(inspect([{ tuple: ["a", "eq", "1", false] }]), '[{"a", "eq", "1", false}]');
});

Deno.test("what is longer than a line is broken as Elixir breaks it", () => {
  const long = "x".repeat(90);
  assert.equal(
    inspect([{ tuple: ["i8", "in", long, false] }]),
    `[\n  {"i8", "in",\n   "${long}",\n   false}\n]`,
  );
  const short = { tuple: ["column", "eq", "x".repeat(40), false] };
  const line = `{"column", "eq", "${"x".repeat(40)}", false}`;
  assert.equal(inspect([short, short]), `[\n  ${line},\n  ${line}\n]`);
});
