import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** What can be told of a project from its files, for commands and a snippet that fit it. */
export interface Facts {
  /** The project it is linked with, by `supabase link`. */
  ref?: string;
  /** Which keys its applications use, where a file says so. */
  keys?: "publishable" | "legacy";
  /** The version of supabase-js that a package.json asks for, and which one. */
  supabaseJs?: { range: string; file: string };
  /** Files of the function that git passes over, by a rule such as `*.js`. */
  ignored?: string[];
}

/** A repository is not looked through: these folders, and this far up. */
const GROUPS = ["apps", "packages"];
const UP = 4;
const MANY = 200;
const MOST_BYTES = 100_000;
/** Git answers at once, or hangs on a network's disk. */
const MOST_MS = 5_000;

const ENV_FILES = [".env", ".env.local", ".env.development", ".env.production", ".env.example"];

/** Reads them; what cannot be read tells nothing. No value of an env file leaves this function. */
export function readFacts(folder: string, from: string): Facts {
  const ref = read(join(folder, "supabase/.temp/project-ref"))?.trim();
  const folders = [...new Set([from, folder, ...around(folder)])];
  const supabaseJs = folders.map(supabaseJsOf).find(Boolean);
  const texts = folders.flatMap((place) => ENV_FILES.map((name) => read(join(place, name)) ?? ""));
  const env = texts.join("\n");
  return {
    ref: /^[a-z0-9]{1,40}$/.test(ref ?? "") ? ref : undefined,
    keys: keysIn(env),
    supabaseJs,
    ignored: ignoredIn(folder),
  };
}

/** Git's own answer, since rules lie in many places; none where it is not there, or knows the files. */
function ignoredIn(folder: string): string[] {
  const files = ["index.ts", "relay.js"].map((name) => `supabase/functions/relay/${name}`);
  const options = { cwd: folder, encoding: "utf8", timeout: MOST_MS } as const;
  const { stdout } = spawnSync("git", ["check-ignore", "--", ...files], options);
  return stdout?.split("\n").filter(Boolean) ?? [];
}

function keysIn(env: string): Facts["keys"] {
  if (/\bsb_publishable_\w/.test(env)) return "publishable";
  return /^\s*(?:export\s+)?\w*ANON_KEY\s*=\s*["']?eyJ/m.test(env) ? "legacy" : undefined;
}

function supabaseJsOf(folder: string): Facts["supabaseJs"] {
  const file = join(folder, "package.json");
  try {
    const { dependencies, devDependencies } = JSON.parse(read(file) ?? "{}");
    const range = { ...devDependencies, ...dependencies }["@supabase/supabase-js"];
    return typeof range === "string" ? { range, file } : undefined;
  } catch {
    // It is not ours to complain of.
    return undefined;
  }
}

/** The folders above, up to a repository's root, and the packages of each. */
function around(folder: string): string[] {
  const places: string[] = [];
  let place = folder;
  for (let n = 0; n < UP; n++) {
    places.push(place, ...GROUPS.flatMap((group) => foldersIn(join(place, group))));
    if (statSync(join(place, ".git"), { throwIfNoEntry: false })) break;
    place = dirname(place);
  }
  return places;
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).slice(0, MANY);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    const size = statSync(file).size;
    return size <= MOST_BYTES ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
