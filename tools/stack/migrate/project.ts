import { basename, join } from "node:path";
import type postgres from "postgres";
import { withConnection } from "../postgres/connection.ts";
import { attempt, leaveOut } from "./attempt.ts";
import { tellMissingCalls } from "./missing_calls.ts";
import { goneFrom, pendingOf } from "./pending.ts";
import { runSeeds } from "./seed.ts";
import { essence, supabase } from "./supabase_cli.ts";
import { type LeftOut, tell, tellOf } from "./tell.ts";

export interface ProjectSql {
  /** Absolute path of the project's `supabase` folder. */
  directory: string;
  /** Absolute paths in the order in which they run. */
  migrations: string[];
  seeds: string[];
}

interface MigrateProjectOptions {
  project: ProjectSql;
  /** As role postgres. */
  databaseUrl: string;
  /** Absolute path; the CLI works on a copy in it, since it writes next to what it reads. */
  dataDir: string;
  /** Leaves out the statements that fail, in place of failing itself. */
  skipFailing: boolean;
  progress: (what: string) => void;
  /** Ends the CLI, if it runs. */
  signal?: AbortSignal;
}

/**
 * Applies a project's pending migrations by the real `supabase db push`, and runs those of its seeds
 * that were not run yet. Gives what was left out. Throws one text that names every statement that
 * fails in the first migration that does, with file, line and Postgres' message; what came before it
 * is applied.
 */
export async function migrateProject(options: MigrateProjectOptions): Promise<LeftOut[]> {
  const { project, databaseUrl, dataDir, progress } = options;
  return await withConnection(databaseUrl, async (sql) => {
    const gone = await goneFrom(sql, project.migrations);
    if (gone.length > 0) {
      throw new Error(
        `The database has migrations that the project has no more: ${gone.join(", ")}. ` +
          `Put their files back, or remove ${dataDir} and begin anew.`,
      );
    }
    const pending = await pendingOf(sql, project.migrations);
    const leftOut: LeftOut[] = [];
    if (pending.length > 0) {
      const count = pending.length === 1 ? "1 migration" : `${pending.length} migrations`;
      progress(`applying ${count} with the Supabase CLI`);
      leftOut.push(...await push(sql, options));
    }
    leftOut.push(...await runSeeds(sql, options));
    for (const sentence of await tellMissingCalls(sql)) progress(sentence);
    return leftOut;
  });
}

/** Of its own, so that nothing in the project's config.toml can keep the CLI from its work. */
const CONFIG = 'project_id = "local"\n[db]\nmajor_version = 17\n';

async function push(sql: postgres.Sql, options: MigrateProjectOptions): Promise<LeftOut[]> {
  const { project, databaseUrl, skipFailing, progress, signal } = options;
  const workdir = join(options.dataDir, "push");
  const texts = await readAll(project.migrations);
  const leftOut: LeftOut[] = [];
  // Each run of the CLI ends at one more of them, or at the last.
  const failed = new Set<string>();
  while (true) {
    await stage(workdir, project.directory, texts);
    const roles = await isFirst(sql, project) ? ["--include-roles"] : [];
    const command = ["db", "push", "--workdir", workdir, "--include-all", ...roles];
    const { success, output } = await supabase(command, databaseUrl, signal);
    if (success) return leftOut;
    const name = output.match(LAST)?.[1];
    const failures = name && !failed.has(name) ? await attempt(sql, texts[name]) : [];
    if (!name || failures.length === 0) {
      const where = name ? `migrations/${name}: ` : "";
      throw new Error(`${where}supabase db push failed:\n${essence(output, databaseUrl)}`);
    }
    const told = tellOf(`migrations/${name}`, failures);
    if (!skipFailing) throw new Error(refusal(name, told));
    for (const line of tell(told)) progress(`Left out: ${line}`);
    leftOut.push(...told);
    texts[name] = leaveOut(texts[name], failures);
    failed.add(name);
  }
}

/** The migration at which the CLI stopped, in what it said. */
const LAST = /^[^]*Applying migration (.+\.sql)\.\.\./;

function refusal(name: string, told: LeftOut[]): string {
  return [
    `The migration ${name} cannot be applied here:`,
    ...tell(told).map((line) => `  ${line}`),
    "--skip-failing leaves out what fails, and says what that was.",
  ].join("\n");
}

/** Roles of roles.sql are made before the first migration, and not again. */
async function isFirst(sql: postgres.Sql, { directory, migrations }: ProjectSql) {
  const isThere = await Deno.stat(join(directory, "roles.sql")).then(() => true, () => false);
  return isThere && (await pendingOf(sql, migrations)).length === migrations.length;
}

async function readAll(paths: string[]): Promise<Record<string, string>> {
  const entries = paths.map(async (path) => [basename(path), await Deno.readTextFile(path)]);
  return Object.fromEntries(await Promise.all(entries));
}

async function stage(workdir: string, directory: string, texts: Record<string, string>) {
  const home = join(workdir, "supabase");
  await Deno.remove(home, { recursive: true }).catch(() => {});
  await Deno.mkdir(join(home, "migrations"), { recursive: true });
  await Deno.writeTextFile(join(home, "config.toml"), CONFIG);
  await Deno.copyFile(join(directory, "roles.sql"), join(home, "roles.sql")).catch(() => {});
  for (const [name, text] of Object.entries(texts)) {
    await Deno.writeTextFile(join(home, "migrations", name), text);
  }
}
