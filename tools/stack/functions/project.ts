import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Log } from "../log.ts";
import type { FunctionSource } from "../project/functions.ts";
import { startRunnable } from "./functions.ts";
import { lazily, type LazyFunction } from "./lazy.ts";
import { watchFunctions } from "./watch.ts";

interface ProjectFunctionsOptions {
  sources: FunctionSource[];
  /** Absolute path of the project's `supabase` folder. */
  directory: string;
  /** What the function of that name finds in its environment; asked at each start. */
  envOf(name: string): Record<string, string>;
  log: Log;
}

/** The functions of a project, each a process of its own once somebody asks for it. */
export interface ProjectFunctions {
  /** By their names. */
  functions: Map<string, LazyFunction & { verifyJwt: boolean }>;
  /** Ends those that run. */
  stop(): Promise<void>;
}

/**
 * Edge Runtime lets a function read what was deployed with it and write to /tmp; here it may read all
 * that its developer may, since nobody tells what belongs to it.
 */
const RIGHTS = [
  ...["--allow-net", "--allow-env", "--allow-sys", "--allow-read", "--allow-import"],
  `--allow-write=/tmp,${tmpdir()}`,
  // A lock file of this Deno's version would stop Edge Runtime, and nobody asked for a node_modules.
  ...["--no-lock", "--node-modules-dir=none"],
  ...["--preload", new URL("./edge_runtime.ts", import.meta.url).href],
];

/** Serves them; a function whose files change is begun anew for the next who asks. */
export function serveProjectFunctions(options: ProjectFunctionsOptions): ProjectFunctions {
  const { sources, directory, envOf, log } = options;
  const functions: ProjectFunctions["functions"] = new Map();
  for (const { name, entry, imports, verifyJwt } of sources) {
    const runnable = { name, entry, options: [...RIGHTS, ...imports] };
    const start = () => startRunnable(runnable, { ...packages(entry), ...envOf(name) }, log);
    functions.set(name, { ...lazily(name, start, log), verifyJwt });
  }
  const names = [...functions.keys()];
  const unwatch = watchFunctions(join(directory, "functions"), names, (changed = names) => {
    for (const name of changed) functions.get(name)!.renew();
  });
  return {
    functions,
    async stop() {
      unwatch();
      await Promise.all([...functions.values()].map((it) => it.stop()));
    },
  };
}

/** A package.json counts next to the function alone, and not that of the app around `supabase`. */
function packages(entry: string): Record<string, string> {
  try {
    Deno.statSync(join(dirname(entry), "package.json"));
    return {};
  } catch {
    return { DENO_NO_PACKAGE_JSON: "1" };
  }
}
