import { fileURLToPath } from "node:url";
import { type RelayProcess, startRelay } from "../../support/relay_host.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SERVE = fileURLToPath(new URL("workerd_serve.ts", import.meta.url));

/** Brings the workerd of the date that deploy/cloudflare/wrangler.jsonc names. */
const MINIFLARE = "npm:miniflare@4.20260730.0";

/** Why there is no workerd here, for the names of tests. */
export const workerdMissing = await isThere() ? "" : ` (skipped: ${MINIFLARE} does not run here)`;

/** Bundled once for all tests of a file. */
let bundle: Promise<string> | undefined;

/** Starts the relay as a Cloudflare Worker on the real workerd, with these variables alone. */
export async function startWorkerd(environment: Record<string, string>): Promise<RelayProcess> {
  const settings = readJsonc(await Deno.readTextFile(`${ROOT}deploy/cloudflare/wrangler.jsonc`));
  const { compatibility_date: date, compatibility_flags: flags } = settings;
  const script = await (bundle ??= bundleWorker());
  return await startRelay({ name: "workerd", deno: Deno.execPath() }, environment, {
    entry: [SERVE, MINIFLARE, script, date, flags.join(",")],
    permissions: ["--allow-all"],
  });
}

/** One module with its packages, by the versions that the function pins. Returns its path. */
async function bundleWorker(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "relay-worker-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const script = `${folder}/worker.js`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser", "--external", "node:async_hooks"],
      ...["--config", `${ROOT}supabase/functions/relay/deno.json`, "--output", script],
      `${ROOT}deploy/cloudflare/worker.ts`,
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return script;
  throw new Error(`The Worker could not be bundled:\n${new TextDecoder().decode(stderr)}`);
}

async function isThere(): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", "--no-config", `await import("${MINIFLARE}")`],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

/** JSON whose comments stand on lines of their own. */
export function readJsonc(text: string) {
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
}
