import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../problem.ts";

/** What lies in a project, of what init reads and writes. */
export interface Project {
  folder: string;
  /** By their paths below the folder, with `/`: config.toml, the function's files, the migrations. */
  texts: ReadonlyMap<string, string>;
  /** Whether more lies in `supabase/`: other functions, their variables, seeds. */
  hasMore: boolean;
}

export const CONFIG = "supabase/config.toml";
export const IGNORED = "supabase/.gitignore";
export const FUNCTION = "supabase/functions/relay";
export const MIGRATIONS = "supabase/migrations";

/** Names in these folders that are read, or are what the CLI keeps there by itself. */
const KNOWN = {
  "supabase": ["config.toml", ".gitignore", "functions", "migrations", ".temp", ".branches"],
  "supabase/functions": ["relay"],
  [FUNCTION]: ["index.ts", "relay.js", "relay.ts", "deno.json"],
};

/** Far above what anybody writes by hand; whatever is larger is not read. */
const MOST_BYTES = 4_000_000;

/** Reads it. Throws a Problem where a file cannot be read, is no UTF-8, or, but for migrations, too large. */
export function readProject(folder: string): Project {
  const texts = new Map<string, string>();
  const read = (path: string, instead?: string) => {
    const text = readText(folder, path, instead);
    if (text !== undefined) texts.set(path, text);
  };
  read(CONFIG);
  read(IGNORED);
  for (const name of ["index.ts", "relay.js", "relay.ts", "deno.json"]) read(`${FUNCTION}/${name}`);
  for (const name of namesIn(join(folder, MIGRATIONS))) {
    // Of a dump the number alone counts: it is none of init's.
    if (name.endsWith(".sql")) read(`${MIGRATIONS}/${name}`, "");
  }
  const hasMore = Object.entries(KNOWN).some(([place, known]) =>
    namesIn(join(folder, place)).some((name) => !known.includes(name))
  );
  return { folder, texts, hasMore };
}

/** A file as text, every byte of it, or `instead` of one too large; undefined where there is none. */
function readText(folder: string, path: string, instead?: string): string | undefined {
  const file = join(folder, path);
  try {
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    if (size > MOST_BYTES) {
      if (instead !== undefined) return instead;
      throw new Problem(`${path} has ${size} bytes, and may have ${MOST_BYTES}: move it aside.`);
    }
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Problem(`${path} is not UTF-8: save it as UTF-8, and run it again.`);
    }
    if (error instanceof Problem) throw error;
    throw new Problem(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // No folder, no names; what cannot be read cannot be written either, and is told then.
    return [];
  }
}
