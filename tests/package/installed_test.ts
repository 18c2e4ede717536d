/** The package as people get it: packed, installed in an empty folder, and used on Node alone. */
import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { snippet } from "../../packages/realtime-relay/init/next/snippet.ts";
import { HELP } from "../../tools/doctor/options.ts";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import { nodeMissing } from "../support/node_version.ts";
import { withDirectory } from "../support/directory.ts";
import { LONG } from "../support/long.ts";
import { browserMissing, withBrowser } from "../site/support/browser.ts";
import { withPackage } from "./support/built.ts";
import { run } from "./support/run.ts";
import { put } from "./support/light.ts";

const PUBLINT = "publint@0.3.25";
const PAGE_NEEDS = ["@supabase/supabase-js@2.119.1", "typescript@5.9.3", "esbuild@0.28.2"];
const ignored = LONG ? nodeMissing : " (ignored: a full count)";

/** An empty folder in which the packed package is installed, and what a page needs beside it. */
async function installed(test: (folder: string, tarball: string) => Promise<void>): Promise<void> {
  await withPackage(async ({ home }) => {
    const packed = await run("npm", ["pack", home], `${home}/..`);
    assert.equal(packed.code, 0, packed.err);
    const tarball = `${await Deno.realPath(`${home}/..`)}/realtime-relay-${VERSION}.tgz`;
    await withDirectory(async (folder) => {
      await put(`${folder}/package.json`, '{ "type": "module", "private": true }');
      const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball];
      const { code, err } = await run("npm", [...install, ...PAGE_NEEDS], folder);
      assert.equal(code, 0, err);
      await test(folder, tarball);
    });
  });
}

const STEPS: [says: string, proof: (folder: string, tarball: string) => Promise<void>][] = [
  ["it brings no other package along", bringsNothing],
  ["npx runs it from the folder and from the tarball: its version, and init", runsFromTarball],
  ["Node imports the client", importsClient],
  ["the snippets that init prints are right for TypeScript", typesHold],
  ["a bundler takes the client", bundles],
  [`a page takes it, bundled and by <script type=module>${browserMissing}`, pages],
  ["doctor finds what doctor finds, and nothing on Node is missing to it", diagnoses],
  ["serve says what is wrong with its variables, and ends with 1", serveTells],
  ["serve is the relay, which moves its sockets and ends when it is told to", serves],
  ["publint has nothing to say", publint],
];

Deno.test({
  name: `the package, packed and installed in an empty folder${ignored}`,
  ignore: ignored !== "",
  // playwright-core keeps timers and a pipe of its own until its process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await installed(async (folder, tarball) => {
      for (const [name, proof] of STEPS) {
        const ignore = proof === pages && browserMissing !== "";
        await t.step({ name, ignore, fn: () => proof(folder, tarball) });
      }
    });
  },
});

async function bringsNothing(folder: string): Promise<void> {
  const { out } = await run("npm", ["ls", "--json", "--depth", "1", "realtime-relay"], folder);
  assert.deepEqual(JSON.parse(out).dependencies["realtime-relay"].dependencies, undefined);
}

async function runsFromTarball(_: string, tarball: string): Promise<void> {
  await withDirectory(async (empty) => {
    const built = tarball.replace(/-[^-]*$/, "");
    assert.equal((await run("npx", ["--yes", built, "--version"], empty)).out, `${VERSION}\n`);
    const npx = (...args: string[]) => run("npx", ["--yes", `file:${tarball}`, ...args], empty);
    assert.equal((await npx("--version")).out, `${VERSION}\n`);
    const { code, out } = await npx("init");
    assert.equal(code, 0);
    assert.match(out, /^ +add +supabase\/functions\/relay\/relay\.js$/m);
    assert.match(Deno.readTextFileSync(`${empty}/supabase/config.toml`), /verify_jwt = false/);
  });
}

async function importsClient(folder: string): Promise<void> {
  const program = `import { relayTransport } from "realtime-relay/client";
    console.log(relayTransport({ relay: "https://relay.test/relay" }).status.state);`;
  const { out, err } = await run("node", ["--input-type=module", "-e", program], folder);
  assert.equal(out, "closed\n", err);
}

async function typesHold(folder: string): Promise<void> {
  const third = parse('[auth.third_party.clerk]\nenabled = true\ndomain = "c.example"');
  const keys = "declare const publishableKey: string, anonKey: string;\n";
  await put(`${folder}/own.ts`, `${keys}${snippet({}, {})}\nexport { supabase };\n`);
  await put(
    `${folder}/third.ts`,
    `${keys}${snippet(third, { keys: "legacy" })}\nexport { supabase };\n`,
  );
  for (const [module, resolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
    const { code, out } = await run("npx", [
      ...["tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"],
      ...["--module", module, "--moduleResolution", resolution, "own.ts", "third.ts"],
    ], folder);
    assert.equal(code, 0, out);
  }
}

async function bundles(folder: string): Promise<void> {
  await put(
    `${folder}/page.js`,
    `import { relayTransport } from "realtime-relay/client";
     document.title = relayTransport({ relay: "https://relay.test/relay" }).status.state;`,
  );
  const args = ["esbuild", "page.js", "--bundle", "--format=iife", "--outfile=out.js"];
  const { code, err } = await run("npx", args, folder);
  assert.equal(code, 0, err);
}

/** What the bundler made, and the module as it lies there. */
async function pages(folder: string): Promise<void> {
  const client = "node_modules/realtime-relay/client/mod.js";
  const texts: Record<string, [type: string, text: string]> = {
    "/bundled": ["text/html", '<script src="/out.js"></script>'],
    "/plain": [
      "text/html",
      `<script type="module">import { relayTransport } from "/${client}";
      document.title = relayTransport({ relay: "https://relay.test/relay" }).status.state;</script>`,
    ],
    "/out.js": ["text/javascript", Deno.readTextFileSync(`${folder}/out.js`)],
    [`/${client}`]: ["text/javascript", Deno.readTextFileSync(`${folder}/${client}`)],
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    const [type, text] = texts[new URL(url).pathname] ?? [];
    if (!type) return new Response(null, { status: 404 });
    return new Response(text, { headers: { "content-type": type } });
  });
  await withBrowser(async (browser) => {
    for (const path of ["/bundled", "/plain"]) {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.addr.port}${path}`);
      await page.waitForFunction('document.title === "closed"');
    }
  });
  await server.shutdown();
}

async function diagnoses(folder: string): Promise<void> {
  const doctor = (...args: string[]) => run("npx", ["realtime-relay", "doctor", ...args], folder);
  assert.deepEqual({ ...await doctor("--help") }, { code: 0, out: `${HELP}\n`, err: "" });
  assert.equal((await doctor()).code, 2);
  const { code, out } = await doctor("http://127.0.0.1:1", "--json");
  assert.equal(code, 1);
  const { verdict, checks } = JSON.parse(out);
  assert.match(JSON.stringify([verdict, checks]), /"tcp_refused"/);
}

async function serveTells(folder: string): Promise<void> {
  const { code, out, err } = await run("npx", ["realtime-relay", "serve"], folder);
  assert.equal(code, 1);
  assert.match(err, /^SUPABASE_URL: /m);
  assert.doesNotMatch(out + err, /^ +at /m);
}

async function serves(folder: string): Promise<void> {
  const { startRelay } = await import("../support/relay_host.ts");
  const cli = `${folder}/node_modules/.bin/realtime-relay`;
  const host = {
    name: "",
    deno: undefined,
    instead: ["node", cli, "serve"] as [string, ...string[]],
  };
  const relay = await startRelay(host, {
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_x",
  });
  const health = await fetch(`http://${relay.address}/functions/v1/relay/health`);
  assert.equal((await health.json()).version, VERSION);
  relay.signal("SIGTERM");
  assert.equal(await relay.exited, 0);
}

async function publint(_: string, tarball: string): Promise<void> {
  const { code, out, err } = await run("npx", ["--yes", PUBLINT, tarball], "/");
  assert.equal(code, 0, out + err);
  assert.match(out, /All good!/);
}
