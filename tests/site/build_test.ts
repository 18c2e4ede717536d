import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { bundleScript, bundleSite } from "../../tools/site/bundle.ts";
import { policy } from "../../tools/site/policy.ts";
import { serveSite } from "../../tools/site/serve.ts";
import { run } from "../support/dev.ts";
import { withDirectory } from "../support/directory.ts";

Deno.test("what the page brings of its own is under 60 kB, gzipped", async () => {
  const files = await bundleSite();
  files.set("main.js", await bundleScript({ external: ["@supabase/supabase-js"] }));
  const bytes = [...files.values()].reduce((sum, text) => sum + gzipSync(text).length, 0);
  assert.ok(bytes > 5_000 && bytes < 60_000, `${bytes} bytes`);
});

Deno.test("no source of the page makes HTML out of text", async () => {
  for await (const source of sources(new URL("../../site/", import.meta.url))) {
    assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
  }
});

async function* sources(folder: URL): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else yield await Deno.readTextFile(new URL(name, folder));
  }
}

Deno.test("deno task site writes a folder for a static host, and keeps its config.json", () =>
  withDirectory(async (folder) => {
    const site = (...options: string[]) =>
      run("run", "-A", "tools/site/main.ts", "--out", folder, ...options);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    const url = "https://abc.supabase.co";
    assert.equal(await site("--url", url, "--key", "sb_publishable_x").exited, 0);
    assert.deepEqual(JSON.parse(await read("config.json")), { url, key: "sb_publishable_x" });
    const meta = policy({ reaches: [url], header: false });
    assert.match(meta, /connect-src 'self' https:\/\/abc\.supabase\.co wss:\/\/abc\.supabase\.co;/);
    assert.ok((await read("index.html")).includes(`content="${meta}"`));
    assert.ok((await read("main.js")).length > 100_000);
    assert.ok(await read("style.css"));

    const relay = "https://relay.example.com/relay";
    assert.equal(await site("--relay", relay, "--mode", "broadcast").exited, 0);
    const config = { url, key: "sb_publishable_x", mode: "broadcast", relay };
    assert.deepEqual(JSON.parse(await read("config.json")), config);
    assert.match(await read("index.html"), /connect-src [^;]* wss:\/\/relay\.example\.com;/);
  }));

Deno.test("deno task site says what is wrong, in one sentence", () =>
  withDirectory(async (folder) => {
    const cases: [string[], number, RegExp][] = [
      [[], 1, /^config\.json: "url" wants an address such as/],
      [["--url", "https://a.example", "--key", "sb_secret_x"], 1, /"key" is a secret key/],
      [["--address", "x"], 2, /^There is no option --address/],
    ];
    await Promise.all(cases.map(async ([options, code, sentence]) => {
      const command = run("run", "-A", "tools/site/main.ts", "--out", folder, ...options);
      assert.equal(await command.exited, code);
      assert.equal(command.stderr.length, 1, command.stderr.join("\n"));
      assert.match(command.stderr[0], sentence);
    }));
  }));

Deno.test("the stack serves the page's files, and a configuration once it is known", async () => {
  const known: { key: string }[] = [];
  const serve = serveSite(() => known[0]);
  const ask = (path: string, method = "GET") =>
    serve(new Request(`http://127.0.0.1:8000${path}`, { method }));
  assert.equal((await ask("/config.json")).status, 503);
  known.push({ key: "sb_publishable_x" });
  assert.deepEqual(await (await ask("/config.json")).json(), {
    url: "http://127.0.0.1:8000",
    key: "sb_publishable_x",
  });
  const page = await ask("/");
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.match(page.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
  assert.doesNotMatch(await page.text(), /\{\{/);
  assert.equal(
    (await ask("/main.js")).headers.get("content-type"),
    "text/javascript; charset=utf-8",
  );
  assert.equal((await ask("/../deno.json")).status, 404);
  assert.equal((await ask("/", "POST")).status, 405);
});
