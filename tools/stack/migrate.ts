import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { pushMigrations } from "./supabase_cli.ts";

const PROJECT = new URL("../../", import.meta.url);

export interface MigrateOptions {
  /** As role postgres. auth.users must exist: the links' owners refer to it. */
  databaseUrl: string;
  progress?: (what: string) => void;
  /** Ends the CLI, if it runs. */
  signal?: AbortSignal;
}

/**
 * Brings the database to the state of supabase/migrations, by the real `supabase db push`, then
 * runs supabase/seed.sql, which is made to be run again. The CLI takes seconds to start, so it is
 * left out when every migration is in the database's own list already.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { databaseUrl, progress = () => {}, signal } = options;
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const pending = await countPending(sql);
    if (pending > 0) {
      progress(`applying ${pending} migrations with the Supabase CLI`);
      await pushMigrations(fileURLToPath(PROJECT), databaseUrl, signal);
    }
    await sql.unsafe(await Deno.readTextFile(new URL("supabase/seed.sql", PROJECT))).simple();
  } finally {
    await sql.end();
  }
}

async function countPending(sql: postgres.Sql): Promise<number> {
  const list = "supabase_migrations.schema_migrations";
  const [{ exists }] = await sql`select to_regclass(${list}) is not null as exists`;
  const applied = exists ? await sql`select version from ${sql(list)}` : [];
  const versions = new Set(applied.map(({ version }) => version));
  let pending = 0;
  for await (const { name } of Deno.readDir(new URL("supabase/migrations/", PROJECT))) {
    const version = name.match(/^(\d+)_.*\.sql$/)?.[1];
    if (version && !versions.has(version)) pending++;
  }
  return pending;
}
