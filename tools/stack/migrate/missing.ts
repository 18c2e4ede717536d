/** Whose what a hosted project has and no npm package brings: told, and not built. */
export const SCHEMAS: Record<string, string> = {
  cron: "pg_cron",
  graphql: "pg_graphql",
  graphql_public: "pg_graphql",
  net: "pg_net",
  pgmq: "pgmq",
  pgmq_public: "pgmq",
  pgsodium: "pgsodium",
  supabase_functions: "the database webhooks of hosted projects",
  vault: "supabase_vault",
};
const TYPES: Record<string, string> = {
  ...{ vector: "pgvector", halfvec: "pgvector", sparsevec: "pgvector" },
  ...{ hnsw: "pgvector", ivfflat: "pgvector" },
  ...{ geometry: "PostGIS", geography: "PostGIS" },
};

const EXTENSION = /^extension "([^"]+)" is not available/;
/** `schema "cron" does not exist`, `type "extensions.vector" does not exist`. */
const NAME = /"(?:(\w+)\.)?(\w+)(?:\(.*\))?" does not exist/;

/** Superusers' alone, in PostgreSQL itself. */
const PRIVILEGED =
  /^(?:must be superuser to create FOR |permission denied to create (?:event trigger|foreign-data wrapper) )/;

/** What lies behind Postgres' message, in a sentence; undefined where it says all there is to say. */
export function explain(message: string): string | undefined {
  const extension = message.match(EXTENSION)?.[1];
  if (extension) {
    return `No package brings ${extension}: of extensions the stack has PostgreSQL's own contrib.`;
  }
  if (PRIVILEGED.test(message)) {
    return "Hosted projects allow it by the extension supautils, which no package brings.";
  }
  const [, schema, name] = message.match(NAME) ?? [];
  if (!name) return undefined;
  const isSchema = message.startsWith("schema ");
  const whose = isSchema ? SCHEMAS[name] : SCHEMAS[schema ?? ""] ?? TYPES[name];
  return whose && `No package brings ${whose}, which hosted projects have.`;
}
