import { createHash } from "node:crypto";
import { relative } from "node:path";
import type postgres from "postgres";
import { attempt, type Failure } from "./attempt.ts";
import { type LeftOut, tell, tellOf } from "./tell.ts";

interface SeedOptions {
  project: { directory: string; seeds: string[] };
  skipFailing: boolean;
  progress: (what: string) => void;
}

/**
 * Runs each seed once in the life of a database, in a transaction of its own: the list of them is the
 * CLI's, `supabase_migrations.seed_files`. Gives what was left out; throws one text if a seed fails
 * and nothing may be left out.
 */
export async function runSeeds(sql: postgres.Sql, options: SeedOptions): Promise<LeftOut[]> {
  const { project: { directory, seeds }, skipFailing, progress } = options;
  if (seeds.length === 0) return [];
  await sql.unsafe(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.seed_files
      (path text primary key, hash text not null)`).simple();
  const leftOut: LeftOut[] = [];
  for (const path of seeds) {
    // As the CLI writes it.
    const name = `supabase/${relative(directory, path)}`;
    const text = await Deno.readTextFile(path);
    const hash = createHash("sha256").update(text).digest("hex");
    const [known] = await sql`
      select hash from supabase_migrations.seed_files where path = ${name}`;
    const file = relative(directory, path);
    if (known && known.hash !== hash) {
      progress(`${file} has changed since it was run, and is not run again.`);
    }
    if (known) continue;
    const failures = tellOf(file, await run(sql, text, skipFailing));
    if (failures.length > 0 && !skipFailing) throw new Error(refusal(file, failures));
    for (const line of tell(failures)) progress(`Left out: ${line}`);
    leftOut.push(...failures);
    await sql`insert into supabase_migrations.seed_files ${sql({ path: name, hash })}`;
  }
  return leftOut;
}

/** Postgres would wait for rows. */
const STDIN = /\bfrom\s+stdin\b/i;

/** As a whole, which is fast; where that fails, statement by statement. */
async function run(sql: postgres.Sql, text: string, skipFailing: boolean): Promise<Failure[]> {
  const isWhole = !STDIN.test(text) &&
    await sql.begin((sql) => sql.unsafe(text).simple()).then(() => true, () => false);
  if (isWhole) return [];
  return await attempt(sql, text, (failures) => skipFailing || failures.length === 0);
}

function refusal(file: string, told: LeftOut[]): string {
  return [
    `The seed ${file} cannot be run here:`,
    ...tell(told).map((line) => `  ${line}`),
    "--skip-failing leaves out what fails, and says what that was.",
  ].join("\n");
}
