import { ROOT } from "./bundle.ts";

/** What `tools/stack/main.ts` runs and serves, and the settings it is run with. */
const SOURCES = ["client", "site", "supabase", "tools/site", "tools/stack"];
const SETTINGS = ["deno.json", "deno.lock"];

/** Kinds of files that are sources. Others are somebody's data, keys among them. */
const KINDS = /\.(ts|sql|css|html|svg|toml|json)$/;
/** What builds, the CLI and editors leave behind, and tools that take the tests' help. */
const ASIDE =
  /(^|\/)(\.[^/]*|dist|node_modules)(\/|$)|^tools\/site\/screenshots\.ts$|(^|\/)package\.json$/;

/** The local stack's sources, by their paths: it is a program for Deno, which needs no build. */
export function stackFiles(): Map<string, string> {
  const paths = [...SETTINGS, ...SOURCES.flatMap(filesBelow)];
  return new Map(paths.map((path) => [path, Deno.readTextFileSync(ROOT + path)]));
}

function filesBelow(folder: string): string[] {
  const entries = [...Deno.readDirSync(ROOT + folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (ASIDE.test(path)) return [];
    if (isDirectory) return filesBelow(path);
    return KINDS.test(name) ? [path] : [];
  });
}
