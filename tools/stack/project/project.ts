import { globSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type ProjectConfig, readConfig } from "./config.ts";
import { readEnvFile } from "./env_file.ts";
import { findProject } from "./find.ts";
import { type FunctionSource, listFunctions } from "./functions.ts";

/** Somebody's Supabase project, as its files say. */
export interface Project {
  /** Absolute path of its `supabase` folder. */
  directory: string;
  config: ProjectConfig;
  functions: FunctionSource[];
  /** Reads what its functions find in their environment, besides what the platform gives. */
  env(): Record<string, string>;
  /** Absolute paths, in the order in which they run. */
  migrations: string[];
  seeds: string[];
  /** Sentences about what is passed over. */
  notes: string[];
}

interface ProjectOptions {
  /** The project's folder, its `supabase` folder, or any below them. */
  directory: string;
  /** Instead of `supabase/functions/.env`. */
  envFile?: string;
}

/** Names of migrations that the CLI applies; other files it passes over. */
const MIGRATION = /^\d+_.*\.sql$/;

/** Reads a project. Throws with every problem of its files, a line each. */
export function openProject({ directory: start, envFile }: ProjectOptions): Project {
  const directory = findProject(start);
  const problems: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push((error as Error).message);
    }
  };
  const config = attempt(() => readConfig(readToml(directory), environmentOf(directory)));
  const readEnv = () =>
    readEnvFile(envFile ?? join(directory, "functions", ".env"), envFile !== undefined);
  const env = attempt(readEnv);
  if (!config || !env) throw new Error(problems.join("\n"));
  const notes: string[] = [];
  const note = (sentence: string) => void notes.push(sentence);
  noteReserved({ ...config.edge_runtime.secrets, ...env }, note);
  return {
    ...{ directory, config, notes },
    env: () => withoutReserved({ ...config.edge_runtime.secrets, ...readEnv() }),
    functions: config.edge_runtime.enabled ? listFunctions(directory, config.functions, note) : [],
    migrations: config.db.migrations.enabled ? listMigrations(directory, note) : [],
    seeds: config.db.seed.enabled ? listSeeds(directory, config.db.seed.sql_paths, note) : [],
  };
}

/** Where there is no config.toml, the CLI's defaults hold. */
function readToml(directory: string): string {
  try {
    return Deno.readTextFileSync(join(directory, "config.toml"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new Error(`config.toml cannot be read: ${(error as Error).message}.`);
  }
}

/** What `env(NAME)` in config.toml may name: files like those that the CLI reads, and the shell. */
function environmentOf(directory: string): Record<string, string> {
  const files = [join(dirname(directory), ".env"), join(directory, ".env")];
  return Object.assign({}, ...files.map((file) => readEnvFile(file)), Deno.env.toObject());
}

/** The platform's own names: nobody else may set them. */
const isReserved = (name: string) => name.startsWith("SUPABASE_");

function withoutReserved(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isReserved(name)));
}

function noteReserved(env: Record<string, string>, note: (sentence: string) => void) {
  const names = Object.keys(env).filter(isReserved);
  if (names.length > 0) {
    note(`${names.join(", ")}: the names that begin with SUPABASE_ are the platform's own.`);
  }
}

function listMigrations(directory: string, note: (sentence: string) => void): string[] {
  // Not as part of the pattern: the folder's own name may hold what patterns are made of.
  const all = globSync("migrations/*.sql", { cwd: directory }).map((path) => basename(path)).sort();
  const odd = all.filter((name) => !MIGRATION.test(name));
  if (odd.length > 0) {
    note(`${odd.join(", ")}: a migration is named <digits>_<name>.sql; others are passed over.`);
  }
  const names = all.filter((name) => MIGRATION.test(name));
  refuseTwins(names);
  return names.map((name) => join(directory, "migrations", name));
}

/** The database's list of migrations holds versions: the second of one would never be missed there. */
function refuseTwins(names: string[]) {
  const byVersion = Map.groupBy(names, (name) => name.split("_")[0]);
  for (const [first, second] of byVersion.values()) {
    if (second === undefined) continue;
    throw new Error(
      `migrations/${first} and migrations/${second} have the same version: give one of them another.`,
    );
  }
}

/** A pattern that fits nothing is told, but for the default, which every new project has. */
function listSeeds(directory: string, patterns: string[], note: (sentence: string) => void) {
  const seeds = new Set<string>();
  for (const pattern of patterns) {
    const found = globSync(pattern, { cwd: directory }).sort();
    if (found.length === 0 && pattern !== "./seed.sql") {
      note(`[db.seed] sql_paths: nothing fits ${pattern}.`);
    }
    for (const path of found) seeds.add(resolve(directory, path));
  }
  return [...seeds];
}
