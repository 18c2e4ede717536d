import assert from "node:assert/strict";
import { at, decode, encode } from "../../tools/stack/realtime/wire/json.ts";
import { phash2 } from "../../tools/stack/realtime/bindings/phash2.ts";

const through = (text: string) => encode(decode(text));

Deno.test("the first of duplicate keys wins, also where one is escaped", () => {
  assert.equal(through('{"a":1,"a":2}'), '{"a":1}');
  assert.equal(through('{"\\u0061":1,"a":2}'), '{"a":1}');
});

Deno.test("keys come out sorted, within each other too", () => {
  assert.equal(
    through('{"b":{"d":1,"c":[{"z":1,"y":2}]},"a":0}'),
    [
      '{"a":0,"b":{"c":[{"y":2,"z":1}],"d":1}}',
    ][0],
  );
  assert.equal(through('{"10":1,"9":2,"__proto__":3}'), '{"10":1,"9":2,"__proto__":3}');
});

Deno.test("numbers keep their digits", () => {
  for (const text of ["12345678901234567890", "1.50", "-0.0", "1e400", "0.1", "-7", "[1.0,2]"]) {
    assert.equal(through(text), text);
  }
});

Deno.test("strings are what they say, in the shortest form", () => {
  assert.equal(through('"\\u00e9\\n\\/\\ud83d\\udc22"'), '"é\\n/🐢"');
});

Deno.test("what is no JSON is refused", () => {
  const wrong = ["", "{", "[1,]", "{a:1}", "01", "1 2", '"\n"', '"\\x"', "nul", "{'a':1}", "+1"];
  const halves = ['"\\ud83d"', '"\\udc22"', '"\\udc22\\ud83d"', '{"\\ud83d":1}'];
  for (const text of [...wrong, ...halves, "\ufeff{}", "[".repeat(10_000)]) {
    assert.throws(() => decode(text), SyntaxError, JSON.stringify(text.slice(0, 20)));
  }
});

Deno.test("phash2 gives every binding of the recorded conversations its id", async () => {
  const folder = new URL("transcripts/", import.meta.url);
  let count = 0;
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".txt")) continue;
    for (const line of (await Deno.readTextFile(new URL(name, folder))).split("\n")) {
      const frame = /<- ([{[].*"phx_reply".*)$/.exec(line)?.[1];
      if (frame === undefined) continue;
      const value = decode(frame);
      const payload = Array.isArray(value) ? value[4] : at(value, "payload");
      const bindings = at(at(payload, "response"), "postgres_changes");
      for (const binding of Array.isArray(bindings) ? bindings : []) {
        assert.ok(binding instanceof Map);
        const id = binding.get("id");
        binding.delete("id");
        assert.equal(phash2(binding), id, `${name}: ${encode(binding)}`);
        count++;
      }
    }
  }
  assert.ok(count > 400, `${count} bindings`);
});
