import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "smol-toml";
import { closeRelay } from "../../packages/realtime-relay/init/config/close.ts";
import { openRelay } from "../../packages/realtime-relay/init/config/open.ts";
import { finding, givenSeed } from "../support/finding.ts";
import { LONG } from "../support/long.ts";
import { configTexts } from "./support/config_texts.ts";

const SEED = givenSeed ?? Date.now() % 1_000_000;
const RUNS = LONG ? 2_000 : 150;

// Cloned, since the parser gives tables without a prototype.
const meaning = (text: string) => structuredClone(parse(text.replace(/^\uFEFF/, "")));

/** Says of every text what is asserted of it, or the seed with which it does not hold. */
function always(holds: (text: string) => void): void {
  const found = fc.check(fc.property(configTexts, holds), { numRuns: RUNS, seed: SEED });
  if (!found.failed) return;
  throw new Error(finding(SEED, JSON.stringify(found.counterexample)), {
    cause: found.errorInstance,
  });
}

Deno.test("init adds its table to any config.toml, and nothing else changes in what it means", () => {
  always((text) => {
    const wanted = meaning(text) as { functions?: { relay?: { verify_jwt?: boolean } } };
    wanted.functions = { ...wanted.functions };
    wanted.functions.relay = { ...wanted.functions.relay, verify_jwt: false };
    assert.deepEqual(meaning(openRelay(text)), wanted);
  });
});

Deno.test("init twice is init once", () => {
  always((text) => assert.equal(openRelay(openRelay(text)), openRelay(text)));
});

Deno.test("remove gives every byte back", () => {
  always((text) => assert.equal(closeRelay(openRelay(text)), text));
});

Deno.test("remove takes out what init wrote, and keeps what was written behind it since", () => {
  always((text) => {
    const since = "# since\n[functions.later]\nverify_jwt = true\n";
    const kept = closeRelay(`${openRelay(text)}\r\n${since}`);
    assert.ok(kept.endsWith(since), JSON.stringify(kept));
    assert.deepEqual(meaning(kept), meaning(`${text}\r\n${since}`));
  });
});

Deno.test("a key that was put into the relay's table stays in its table", () => {
  const text = openRelay('project_id = "a"\n[api]\nport = 1\n') + "enabled = false\n";
  assert.deepEqual(meaning(closeRelay(text)).functions, { relay: { enabled: false } });
});

Deno.test("a table whose gateway checks tokens is changed on that line, which says what it was", () => {
  const text = "[functions.relay]\nverify_jwt = true # always\n\n[api]\n";
  const changed = openRelay(text);
  const lines =
    "[functions.relay]\nverify_jwt = false # realtime-relay: was true # always\n\n[api]\n";
  assert.equal(changed, lines);
});

for (
  const text of [
    "functions = { hello = { verify_jwt = true } }\n",
    "[functions]\nrelay = { verify_jwt = true }\n",
    'functions.relay.entrypoint = "./functions/relay/index.ts"\n',
  ]
) {
  Deno.test(`what cannot be added to is said, and left as it is: ${text.trim()}`, () => {
    assert.throws(() => openRelay(text), {
      name: "Problem",
      message: /Put verify_jwt = false into/,
    });
    assert.equal(closeRelay(text), text);
  });
}

Deno.test("what is right already is left as it is, however it is written", () => {
  for (
    const text of [
      "functions = { relay = { verify_jwt = false } }",
      "[functions]\nrelay.verify_jwt = false",
      "[functions.relay]\nverify_jwt = false\n",
    ]
  ) {
    assert.equal(openRelay(text), text);
    assert.equal(closeRelay(text), text);
  }
});

Deno.test("a text that is no TOML is a sentence with its line", () => {
  for (const act of [openRelay, closeRelay]) {
    assert.throws(() => act('project_id = "a"\n[api\nport = 1\n'), {
      name: "Problem",
      message:
        /^supabase\/config\.toml is no TOML, at line 2: .*\. Mend that line, and run it again\.$/,
    });
  }
});
