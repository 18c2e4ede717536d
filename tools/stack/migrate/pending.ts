import { basename } from "node:path";
import type postgres from "postgres";

/** Those of `files` (names or paths) whose version is not in the database's own list of migrations. */
export async function pendingOf(sql: postgres.Sql, files: string[]): Promise<string[]> {
  const versions = await appliedTo(sql);
  return files.filter((file) => {
    const version = versionOf(file);
    return version !== undefined && !versions.has(version);
  });
}

/** The versions in that list that none of `files` has: their files were renamed, or are gone. */
export async function goneFrom(sql: postgres.Sql, files: string[]): Promise<string[]> {
  const there = new Set(files.map(versionOf));
  return [...await appliedTo(sql)].filter((version) => !there.has(version)).sort();
}

async function appliedTo(sql: postgres.Sql): Promise<Set<string>> {
  const list = "supabase_migrations.schema_migrations";
  const [{ exists }] = await sql`select to_regclass(${list}) is not null as exists`;
  const applied = exists ? await sql`select version from ${sql(list)}` : [];
  return new Set(applied.map(({ version }) => version));
}

const versionOf = (file: string) => basename(file).match(/^(\d+)_.*\.sql$/)?.[1];
