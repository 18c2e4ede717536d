import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDirectory } from "./directory.ts";
import { prepareShelf, SHELF } from "./shelf.ts";

/** A data directory that many tests begin with, and what it is made of. */
export interface Recipe {
  name: string;
  /** Files and folders: what changes there, changes the template. */
  sources: string[];
  /** Fills an empty directory, and leaves nothing running on it. */
  make(dataDir: string): Promise<void>;
}

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** What a database or a stack of this project is made of, and more: too much only costs time. */
export const SOURCES = [
  "tools/stack",
  "supabase/migrations",
  "supabase/seed.sql",
  "supabase/config.toml",
  "deno.lock",
  "tests/support/database.ts",
  "tests/support/stack.ts",
  "tests/support/template.ts",
].map((path) => join(PROJECT, path));

const DAY_MS = 24 * 3600 * 1000;

/**
 * A directory for a test, which removes it afterwards, as `recipe` makes it: made once a day for all
 * processes, and copied from `shelf`. initdb, the bootstrap and the Supabase CLI cost more than most
 * tests that stand on them; the tests of those do without.
 */
export async function takeCopy(recipe: Recipe, shelf = SHELF): Promise<string> {
  const dataDir = await makeDirectory();
  try {
    await prepareShelf(shelf);
    const template = join(shelf, await keyOf(recipe));
    if (!await exists(template)) {
      // Whoever comes while it is made waits for it, in place of making it too.
      const lock = await Deno.open(`${template}.lock`, { create: true, write: true });
      try {
        await lock.lock(true);
        if (!await exists(template)) {
          await recipe.make(dataDir);
          await keep(dataDir, template, shelf);
          return dataDir;
        }
      } finally {
        // Closing alone would leave the lock to a child that is being started.
        lock.unlockSync();
        lock.close();
      }
    }
    await copy(join(template, "data"), dataDir);
    return dataDir;
  } catch (error) {
    await Deno.remove(dataDir, { recursive: true });
    throw error;
  }
}

/** By the day too, which some tables have partitions of. */
async function keyOf({ name, sources }: Recipe): Promise<string> {
  const hash = createHash("sha256").update(new Date().toISOString().slice(0, 10));
  const add = async (path: string): Promise<void> => {
    if ((await Deno.stat(path)).isFile) {
      hash.update(`\0${path}\0`).update(await Deno.readFile(path));
      return;
    }
    const names = Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
    for (const name of names) await add(join(path, name));
  };
  for (const path of sources) await add(path);
  return `${name}-${hash.digest("hex").slice(0, 16)}`;
}

const exists = (path: string) => Deno.lstat(path).then(() => true, () => false);

/** Copied aside and renamed, so that nobody ever meets half a template. */
async function keep(dataDir: string, template: string, shelf: string): Promise<void> {
  // A cluster that lies elsewhere, where its user cannot reach this, would be shared by all copies.
  for await (const { isSymlink } of Deno.readDir(dataDir)) if (isSymlink) return;
  await dropOld(shelf);
  const aside = await Deno.makeTempDir({ dir: shelf, prefix: "new-" });
  await Deno.mkdir(join(aside, "data"));
  await copy(dataDir, join(aside, "data"));
  await Deno.rename(aside, template);
}

/** What is of another day is nobody's any more; a day later, no copy of it is under way either. */
async function dropOld(shelf: string): Promise<void> {
  for await (const { name } of Deno.readDir(shelf)) {
    const path = join(shelf, name);
    const { mtime } = await Deno.lstat(path);
    if (Date.now() - mtime!.getTime() > 2 * DAY_MS) await Deno.remove(path, { recursive: true });
  }
}

/** With owners and modes, by which Postgres finds out whose its files are. */
async function copy(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["-Rp", `${from}/.`, to],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`cp failed: ${new TextDecoder().decode(stderr).trim()}`);
}
