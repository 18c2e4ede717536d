import assert from "node:assert/strict";
import { importsOf } from "./support/imports.ts";
import { files, ROOT, sources } from "./support/tree.ts";

const importMap = (file: string): Record<string, string> =>
  JSON.parse(Deno.readTextFileSync(ROOT + file)).imports ?? {};

Deno.test("every import map pins the versions of the root's", () => {
  const root = importMap("deno.json");
  const maps = files("supabase/functions").filter((file) => file.endsWith("/deno.json"));
  assert.ok(maps.length >= 2);
  for (const file of [...maps, "tools/core.json"]) {
    for (const [name, target] of Object.entries(importMap(file))) {
      assert.equal(target, root[name], `${file}: ${name}`);
    }
  }
  for (const target of Object.values(root)) assert.match(target, /^npm:.+@\d[\w.-]+$/);
});

Deno.test("the Worker pins the same versions, and finds them for files outside of its folder", () => {
  const root = importMap("deno.json");
  const read = (file: string) => Deno.readTextFileSync(`${ROOT}deploy/cloudflare/${file}`);
  const { dependencies } = JSON.parse(read("package.json")) as {
    dependencies: Record<string, string>;
  };
  for (const [name, version] of Object.entries(dependencies)) {
    assert.equal(`npm:${name}@${version}`, root[name]);
  }
  const { alias } = JSON.parse(read("wrangler.jsonc").replace(/^\s*\/\/.*$/gm, ""));
  const needed = Object.keys(importMap("supabase/functions/relay/deno.json"));
  for (const names of [alias, dependencies]) {
    assert.deepEqual(Object.keys(names).sort(), needed.sort());
  }
});

Deno.test("no lock file lies where Edge Runtime would stop at its version", () => {
  const locks = files("supabase/functions").filter((file) => file.endsWith("deno.lock"));
  assert.deepEqual(locks, []);
});

Deno.test("the relay needs jose alone, and loads it with the first token that wants it", () => {
  assert.deepEqual(Object.keys(importMap("supabase/functions/relay/deno.json")), ["jose"]);
  for (const [file, source] of sources("supabase/functions/relay")) {
    const bare = importsOf(source).filter((name) => !name.startsWith("."));
    for (const name of bare) assert.equal(name, "jose", file);
    assert.doesNotMatch(source, /^import (?!type )[^;]*"jose"/m, file);
  }
});

Deno.test("nothing is imported from a registry that offline machines do not reach", () => {
  for (const [file, source] of sources("")) {
    for (const name of importsOf(source)) assert.doesNotMatch(name, /^(jsr|https?):/, file);
  }
});
