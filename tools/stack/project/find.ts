import { basename, dirname, join, resolve } from "node:path";

/** What makes a folder named `supabase` a project's. */
const CONFIG = "config.toml";
const SIGNS = ["migrations", "functions"];

/**
 * The `supabase` folder of the project in `directory`: that folder itself, the one in it, or the
 * nearest one above. Throws one sentence if there is none.
 */
export function findProject(directory: string): string {
  const start = resolve(directory);
  if (!isDirectory(start)) throw new Error(`There is no folder ${start}.`);
  for (let place = start;; place = dirname(place)) {
    const found = [place, join(place, "supabase")].find(isProject);
    if (found) return Deno.realPathSync(found);
    if (place === dirname(place)) break;
  }
  throw new Error(
    `No Supabase project is in ${start} or above it: that is a folder \`supabase\` with a ` +
      "config.toml, which `npx supabase init` makes.",
  );
}

function isProject(path: string): boolean {
  if (basename(path) !== "supabase") return false;
  if (exists(join(path, CONFIG))) return true;
  // A package that is named so may have functions too, beside the project that lies in it.
  return !exists(join(path, "supabase", CONFIG)) && SIGNS.some((name) => exists(join(path, name)));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch {
    return false;
  }
}
