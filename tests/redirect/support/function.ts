import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Host } from "../../support/relay_host.ts";

/** The redirect function in a process of its own. Returns what it said besides that it listens. */
export async function withFunction(
  host: Host,
  environment: Record<string, string>,
  work: (url: string) => Promise<void>,
): Promise<string> {
  const cwd = fileURLToPath(new URL("../../../supabase/functions/redirect/", import.meta.url));
  const { HOME = "/", PATH = "", DENO_DIR = "" } = Deno.env.toObject();
  const child = new Deno.Command(host.deno!, {
    args: ["run", "--quiet", "--no-lock", "--allow-net", "--allow-env", "index.ts"],
    cwd,
    clearEnv: true,
    env: { HOME, PATH, ...(DENO_DIR && { DENO_DIR }), ...host.env, PORT: "0", ...environment },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value } = await lines.read();
    // A function that does not start says why on the other stream.
    const { event, port } = JSON.parse(value ?? await complaints);
    assert.equal(event, "listening");
    await work(`http://127.0.0.1:${port}`);
  } finally {
    child.kill();
    await child.status;
  }
  let said = await complaints;
  for (let read; !(read = await lines.read()).done;) said += read.value;
  return said;
}
