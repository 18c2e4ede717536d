import { createRequire, isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { PUBLISHABLE_KEY } from "../../../support/tokens.ts";
import { build as buildClient } from "../../../../tools/client/build.ts";

/** Where bare names are looked up. */
const HERE = fileURLToPath(import.meta.url);

/** Deno finds them once they are imported; by name, since `ws` brings types of Node. */
const PACKAGES = ["@supabase/supabase-js", "ws"];

/** Where a program runs: how it says a line, and what it needs beside the language. */
const HOSTS = {
  node: `
    import WebSocket from "ws";
    const say = (line) => console.log(line);
    const relay = process.argv[2];
    const host = { WebSocket };
    const onstatus = undefined;
    process.stdin.on("end", () => process.exit()).resume();`,
  page: `
    const say = (line) => console.log(line);
    const relay = location.hash.slice(1);
    const host = {};
    const onstatus = ({ state, reason }) => say("is " + state + ": " + reason);`,
  worker: `
    const say = (line) => postMessage(line);
    const relay = location.hash ? location.hash.slice(1) : self.name;
    const host = {};
    const onstatus = undefined;`,
};

/** Somebody on the channel `room`: says each status and each message that it is told. */
const VIEWER = `
  const transport = relayTransport({ relay, token: () => null, host, onstatus });
  const supabase = createClient("https://abc.supabase.co", "${PUBLISHABLE_KEY}", {
    realtime: { transport },
    auth: { persistSession: false, autoRefreshToken: false },
  });
  supabase.channel("room")
    .on("broadcast", { event: "e" }, ({ payload }) => say("heard " + payload))
    .on("system", {}, ({ status }) => say("system " + status))
    .subscribe((status) => say("told " + status));`;

/** One file with supabase-js and the client as it is published, for Node or for a worker. */
export async function bundleViewer(host: keyof typeof HOSTS, folder: string): Promise<string> {
  for (const name of PACKAGES) await import(name);
  await buildClient(`${folder}/dist/`);
  const contents = `
    import { createClient } from "@supabase/supabase-js";
    import { relayTransport } from "${folder}/dist/mod.js";
    ${HOSTS[host]}
    ${VIEWER}`;
  const file = `${folder}/viewer.${host === "node" ? "cjs" : "js"}`;
  await esbuild.build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: host === "node" ? "cjs" : "iife",
    platform: host === "node" ? "node" : "browser",
    outfile: file,
    plugins: [npm],
    logLevel: "silent",
  }).finally(() => esbuild.stop());
  return file;
}

/** What `ws` does without where it is not there. */
const OPTIONAL = ["bufferutil", "utf-8-validate"];

/** Names of packages lead to where Deno keeps them. */
const npm: esbuild.Plugin = {
  name: "npm",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
      if (isBuiltin(path) || OPTIONAL.includes(path)) return { path, external: true };
      return { path: createRequire(importer === "<stdin>" ? HERE : importer).resolve(path) };
    });
  },
};
