import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Paths of all files below a folder, relative to the project. */
function files(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap((entry) =>
    entry.isDirectory ? files(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]
  );
}

/** The modules that a source file names, static or lazy. */
function importsOf(file: string): string[] {
  const source = Deno.readTextFileSync(ROOT + file);
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name);
}

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

Deno.test("nothing in the functions or the client imports from above", () => {
  for (const folder of ["supabase/functions/relay", "supabase/functions/redirect", "client"]) {
    for (const file of files(folder).filter((file) => file.endsWith(".ts"))) {
      for (const name of importsOf(file)) assert.doesNotMatch(name, /^\.\.\//, file);
    }
  }
});

Deno.test("the relay needs jose and zod alone, and supabase-js only when it asks", () => {
  for (const file of files("supabase/functions/relay").filter((file) => file.endsWith(".ts"))) {
    const bare = importsOf(file).filter((name) => !name.startsWith("./"));
    const asks = file.endsWith("ask_auth_server.ts") ? ["@supabase/supabase-js"] : [];
    for (const name of bare) assert.ok(["jose", "zod", ...asks].includes(name), `${file}: ${name}`);
    const source = Deno.readTextFileSync(ROOT + file);
    assert.doesNotMatch(source, /from "@supabase/, `${file} loads supabase-js at once`);
  }
});

Deno.test("nothing is imported from a registry that offline machines do not reach", () => {
  for (const folder of ["client", "deploy", "supabase", "tests", "tools"]) {
    for (const file of files(folder).filter((file) => file.endsWith(".ts"))) {
      for (const name of importsOf(file)) assert.doesNotMatch(name, /^(jsr|https?):/, file);
    }
  }
});
