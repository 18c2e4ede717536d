import type { Database } from "../../support/database.ts";

/** What @supabase/lite, the REST server of the local stack, does after its first request. */
export async function undoColumnGrants(db: Database): Promise<void> {
  await db.sql`grant all on all tables in schema public to anon, authenticated, service_role`;
  await db.sql`grant all on all sequences in schema public to anon, authenticated, service_role`;
}

/** A database as it was pushed, and one whose column grants were undone: what must hold in both. */
export const RIGHTS = {
  "as pushed": () => Promise.resolve(),
  "without column grants": undoColumnGrants,
} satisfies Record<string, (db: Database) => Promise<void>>;
