import type postgres from "postgres";
import { withConnection } from "../connection.ts";
import { setPasswords } from "../password.ts";

interface PrepareOptions {
  /** As superuser supabase_admin. */
  adminUrl: string;
  /** Of every role that can log in. */
  password: string;
  /** Whether what somebody else's migrations may name is there too. */
  forProject: boolean;
  progress: (what: string) => void;
}

/** Runs bootstrap.sql, in one transaction, unless it was run before; then what holds ever anew. */
export async function prepareSchemas(options: PrepareOptions): Promise<void> {
  const { adminUrl, password, forProject, progress } = options;
  await withConnection(adminUrl, async (sql) => {
    const run = async (file: string) => await sql.unsafe(await read(file)).simple();
    if (!await isThere(sql, "realtime.messages")) {
      progress("making the roles and schemas of a Supabase project");
      await run("bootstrap.sql");
    }
    if (forProject && !await isThere(sql, "storage.objects")) await run("project.sql");
    await run("settle.sql");
    await sql.unsafe(setPasswords(password)).simple();
  });
}

/** Adds to Auth's tables, which must be there, what a project's seeds may name. */
export async function completeAuth(databaseUrl: string): Promise<void> {
  const statements = await read("auth.sql");
  await withConnection(databaseUrl, async (sql) => await sql.unsafe(statements).simple());
}

const read = (file: string) => Deno.readTextFile(new URL(file, import.meta.url));

async function isThere(sql: postgres.Sql, table: string): Promise<boolean> {
  const [{ found }] = await sql`select to_regclass(${table}) is not null as found`;
  return found;
}
