import { readdirSync } from "node:fs";

const FOLDER = new URL("../../../../supabase/migrations/", import.meta.url);

/**
 * The versions of this repository's migrations, in their order. A build puts the list itself in the
 * place of this file: where the doctor runs alone, there is no such folder.
 */
export const MIGRATIONS: readonly string[] = readdirSync(FOLDER).map((name) => name.split("_")[0])
  .sort();
