import { join } from "node:path";

/**
 * What hosted projects let role postgres create as if it were a superuser, as far as PostgreSQL's own
 * contrib has it. Others of contrib that are trusted anyhow stay so.
 */
const HOSTED = [
  ...["autoinc", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dblink", "dict_int"],
  ...["dict_xsyn", "earthdistance", "fuzzystrmatch", "hstore", "insert_username", "intarray"],
  ...["isn", "ltree", "moddatetime", "pg_buffercache", "pg_prewarm", "pg_stat_statements"],
  ...["pg_trgm", "pg_walinspect", "pgcrypto", "pgrowlocks", "pgstattuple", "postgres_fdw"],
  ...["refint", "seg", "sslinfo", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time"],
  ...["unaccent", "uuid-ossp"],
];

/**
 * Lets whoever may create in a database create these extensions too, in the installation at `root`:
 * PostgreSQL has no other way to allow it than the extension's own control file.
 */
export async function trustHostedExtensions(root: string): Promise<void> {
  for (const name of HOSTED) {
    const file = join(root, "native", "share", "postgresql", "extension", `${name}.control`);
    const text = await Deno.readTextFile(file);
    if (!/^trusted\s*=/m.test(text)) {
      await Deno.writeTextFile(file, `${text.trimEnd()}\ntrusted = true\n`);
    }
  }
}
