import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Problem, UsageError } from "../../problem.ts";

/** The folder in which a project's `supabase/` lies, or will. */
export interface Found {
  folder: string;
  /** Whether there is a `supabase/` in it. */
  exists: boolean;
}

/** A repository's own folders lie this deep, and there are not more of them. */
const DEEP = 3;
const MANY = 2_000;
/** So many of them are named. */
const TOLD = 5;

const CONFIG = "config.toml";

/**
 * Finds the project: the folder that was named, else the nearest one upward that has a `supabase/`,
 * else the folder itself. Throws a Problem where the named one is not there, or where the only
 * `supabase/` lies below: nobody wants two. Throws a UsageError for an empty name, as of a variable
 * that is not set.
 */
export function findProject(from: string, named?: string): Found {
  if (named === "") throw new UsageError("--project wants a folder, and got no name.");
  if (named !== undefined) {
    const folder = resolve(from, named);
    if (!isFolder(folder)) throw new Problem(`There is no folder ${folder}: --project wants one.`);
    return here(folder) ?? { folder, exists: false };
  }
  for (let folder = resolve(from);; folder = dirname(folder)) {
    const found = here(folder);
    if (found) return found;
    if (folder === dirname(folder)) break;
  }
  const below = lookBelow(resolve(from));
  if (below.length === 0) return { folder: resolve(from), exists: false };
  const names = below.map((folder) => relative(from, folder));
  const more = names.length > TOLD ? ` and ${names.length - TOLD} more` : "";
  throw new Problem(
    `There is no supabase/ in this folder or above it, but in ${
      names.slice(0, TOLD).join(", ")
    }${more}. Say which is meant: --project ${names[0]}, or --project . for a new one here.`,
  );
}

function here(folder: string): Found | undefined {
  if (basename(folder) === "supabase" && isSupabase(folder)) {
    return { folder: dirname(folder), exists: true };
  }
  return isSupabase(join(folder, "supabase")) ? { folder, exists: true } : undefined;
}

/** A package that is named so may have functions too, beside the project that lies in it. */
const isSupabase = (folder: string): boolean =>
  exists(join(folder, CONFIG)) || !exists(join(folder, "supabase", CONFIG)) &&
    ["functions", "migrations"].some((name) => exists(join(folder, name)));

function lookBelow(root: string): string[] {
  const found = new Set<string>();
  let level = [root];
  let seen = 0;
  for (let depth = 0; depth < DEEP && level.length > 0; depth++) {
    const next = level.flatMap((folder) => seen++ < MANY ? foldersOf(folder) : []);
    for (const project of next.flatMap((folder) => here(folder)?.folder ?? [])) found.add(project);
    level = next;
  }
  return [...found];
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
      .map(({ name }) => join(folder, name));
  } catch {
    // Not ours to read.
    return [];
  }
}

const exists = (path: string): boolean => look(path) !== undefined;
const isFolder = (path: string): boolean => look(path)?.isDirectory() ?? false;

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // Not there, or not for this user to see.
    return undefined;
  }
}
