import { join, resolve } from "node:path";
import type { ProjectConfig } from "./config.ts";

/** A function of a project, as it lies in its folder. */
export interface FunctionSource {
  name: string;
  /** Absolute path of the module that calls Deno.serve(). */
  entry: string;
  /** What resolves its bare imports, as arguments of `deno run`. */
  imports: string[];
  /** Whether the gateway lets in only who brings a JWT of the project. */
  verifyJwt: boolean;
}

/** Names that the platform takes; others, such as `_shared`, hold what functions share. */
const NAME = /^[A-Za-z][\w-]*$/;
const ENTRIES = ["index.ts", "index.js", "index.tsx", "index.jsx", "index.mjs"];

/**
 * The functions of a project by their names: the folders in `functions` with an index, and those that
 * config.toml names. `tell` hears of one that cannot be served.
 */
export function listFunctions(
  supabase: string,
  config: ProjectConfig["functions"],
  tell: (sentence: string) => void,
): FunctionSource[] {
  const home = join(supabase, "functions");
  const names = new Set([...folders(home), ...Object.keys(config)]);
  const found: FunctionSource[] = [];
  for (const name of [...names].filter((name) => NAME.test(name)).sort()) {
    const { enabled = true, verify_jwt = true, ...paths } = config[name] ?? {};
    if (!enabled) continue;
    const folder = join(home, name);
    const entry = paths.entrypoint
      ? isFile(resolve(supabase, paths.entrypoint))
      : firstFile(ENTRIES.map((file) => join(folder, file)));
    if (!entry) {
      // A folder without an index and a word in config.toml is no function.
      if (config[name]) {
        tell(`Function ${name}: there is no ${paths.entrypoint ?? `functions/${name}/index.ts`}.`);
      }
      continue;
    }
    const imports = importsOf(supabase, folder, paths.import_map);
    found.push({ name, entry, imports, verifyJwt: verify_jwt });
  }
  return found;
}

/** As the platform does: what is configured, or stands next to the function, or is all functions'. */
function importsOf(supabase: string, folder: string, configured: string | undefined): string[] {
  const map = configured ? resolve(supabase, configured) : firstFile([
    ...["deno.json", "deno.jsonc", "import_map.json"].map((file) => join(folder, file)),
    ...["deno.json", "deno.jsonc", "import_map.json"]
      .map((file) => join(supabase, "functions", file)),
  ]);
  if (!map) return ["--no-config"];
  return /[\\/]deno\.jsonc?$/.test(map) ? ["--config", map] : ["--no-config", "--import-map", map];
}

/** Links among them, behind which there may be a folder. */
function folders(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].filter((it) => !it.isFile).map(({ name }) => name);
  } catch {
    return [];
  }
}

const firstFile = (paths: string[]): string | undefined =>
  paths.map(isFile).find((path) => path !== undefined);

function isFile(path: string): string | undefined {
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}
