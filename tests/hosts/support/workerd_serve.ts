/**
 * Serves a Worker on workerd: `workerd_serve.ts <package> <script> <date> <flags>`, its variables from
 * the environment. A process of its own, without the project's lock: whoever runs anything of this
 * project would download the 190 MB of workerd otherwise. Says where it listens, prints what the
 * Worker prints, and ends by SIGTERM or with stdin.
 */
import type { Readable } from "node:stream";
import process from "node:process";

interface Miniflare {
  ready: Promise<URL>;
  dispose(): Promise<void>;
}

const [specifier, script, compatibilityDate, flags] = Deno.args;
const { Miniflare } = await import(specifier) as {
  Miniflare: new (options: Record<string, unknown>) => Miniflare;
};
const variables = Object.entries(Deno.env.toObject());
const worker = new Miniflare({
  modules: true,
  script: await Deno.readTextFile(script),
  compatibilityDate,
  compatibilityFlags: flags.split(","),
  bindings: Object.fromEntries(variables.filter(([name]) => /^(RELAY|SUPABASE)_/.test(name))),
  host: "127.0.0.1",
  port: 0,
  handleRuntimeStdio(stdout: Readable, stderr: Readable) {
    stdout.pipe(process.stdout);
    stderr.pipe(process.stderr);
  },
});

async function end(): Promise<void> {
  await worker.dispose();
  Deno.exit(0);
}

Deno.addSignalListener("SIGTERM", end);
const { port } = await worker.ready;
console.log(JSON.stringify({ event: "listening", port: Number(port) }));
await Deno.stdin.readable.pipeTo(new WritableStream());
await end();
