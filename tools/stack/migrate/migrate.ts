import { fileURLToPath } from "node:url";
import { withConnection } from "../postgres/connection.ts";
import { pendingOf } from "./pending.ts";
import { pushMigrations } from "./supabase_cli.ts";

const PROJECT = new URL("../../../", import.meta.url);

interface MigrateOptions {
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
  await withConnection(databaseUrl, async (sql) => {
    const pending = await pendingOf(sql, await ownMigrations());
    if (pending.length > 0) {
      progress(`applying ${pending.length} migrations with the Supabase CLI`);
      await pushMigrations(fileURLToPath(PROJECT), databaseUrl, signal);
    }
    await sql.unsafe(await Deno.readTextFile(new URL("supabase/seed.sql", PROJECT))).simple();
  });
}

async function ownMigrations(): Promise<string[]> {
  const names: string[] = [];
  const directory = new URL("supabase/migrations/", PROJECT);
  for await (const { name } of Deno.readDir(directory)) names.push(name);
  return names;
}
