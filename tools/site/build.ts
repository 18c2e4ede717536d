import { fileURLToPath } from "node:url";
import { readConfig } from "../../site/config.ts";
import { bundleSite } from "./bundle.ts";
import { policy } from "./policy.ts";

/** Where the page is written, unless another folder is named. */
export const OUT = fileURLToPath(new URL("../../dist/site", import.meta.url));

/** The configuration of a folder that was written before; empty where there is none. */
export async function configIn(folder: string): Promise<Record<string, unknown>> {
  const text = await Deno.readTextFile(`${folder}/config.json`).catch(() => "{}");
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${folder}/config.json is no JSON: mend it, or delete it.`);
  }
}

/**
 * Writes the page and its config.json into a folder, and returns the files' names. The page's policy
 * names the project: after a change of config.json it is to be written again.
 */
export async function buildSite(
  folder: string,
  config: Record<string, unknown>,
): Promise<string[]> {
  const { url, relay } = readConfig(config);
  const files = await bundleSite();
  const text = policy({ reaches: [url, relay], header: false });
  files.set("index.html", files.get("index.html")!.replace("{{policy}}", text));
  files.set("config.json", `${JSON.stringify(config, null, 2)}\n`);
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, text] of files) await Deno.writeTextFile(`${folder}/${name}`, text);
  return [...files.keys()];
}
