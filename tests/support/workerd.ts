import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { lines } from "../../tools/stack/lines.ts";

/** The relay as a Cloudflare Worker, on the real workerd. */
export interface Worker {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** Everything that it printed. */
  output: string[];
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const miniflare = await import("miniflare").catch(() => undefined);

/** Why there is no workerd here, for the names of tests. */
export const workerdMissing = miniflare ? "" : " (skipped: npm miniflare does not run here)";

/** Bundled once for all tests of a file. */
let bundle: Promise<string> | undefined;

/** Starts the Worker as `wrangler deploy` would run it, with these variables and no others. */
export async function startWorkerd(environment: Record<string, string>): Promise<Worker> {
  const settings = readJsonc(await Deno.readTextFile(`${ROOT}deploy/cloudflare/wrangler.jsonc`));
  const output: string[] = [];
  const listen = async (stream: Readable) => {
    for await (const line of lines(Readable.toWeb(stream))) output.push(line);
  };
  const worker = new miniflare!.Miniflare({
    modules: true,
    script: await (bundle ??= bundleWorker()),
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: settings.compatibility_flags,
    bindings: environment,
    host: "127.0.0.1",
    port: 0,
    handleRuntimeStdio: (...streams: Readable[]) => streams.forEach(listen),
  });
  const { host } = await worker.ready;
  return { address: host, output, stop: () => worker.dispose() };
}

/** One module with its packages, by the versions that the function pins. */
async function bundleWorker(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser", "--external", "node:async_hooks"],
      ...["--config", `${ROOT}supabase/functions/relay/deno.json`],
      `${ROOT}deploy/cloudflare/worker.ts`,
    ],
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`The Worker could not be bundled:\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** JSON whose comments stand on lines of their own. */
export function readJsonc(text: string) {
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
}
