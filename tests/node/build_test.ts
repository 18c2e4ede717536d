import assert from "node:assert/strict";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { buildNode } from "../../tools/build/node.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("the relay for Node is one file, the same each time, that names no place of this machine", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const builds = [];
    for (const name of ["a", "b"]) {
      const file = await buildNode(`${folder}/${name}/relay.cjs`);
      builds.push([await Deno.readTextFile(file), await Deno.readTextFile(`${file}.map`)]);
    }
    const [[code, map], again] = builds;
    assert.deepEqual(again, [code, map]);
    for (const place of [ROOT, homedir(), "registry.npmjs.org", folder]) {
      assert.ok(!code.includes(place), place);
    }
    const { sources } = JSON.parse(map) as { sources: string[] };
    const own = sources.filter((source) => !source.startsWith("npm/"));
    assert.ok(own.some((source) => source.endsWith("deploy/node/main.ts")));
    assert.ok(sources.some((source) => /^npm\/ws\/8\./.test(source)));
    // Whatever else it asks for, Node brings or it does without.
    const asked = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name));
    for (const name of asked) assert.match(name, /^(node:)?\w+(\/\w+)?$|^utf-8-validate$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
