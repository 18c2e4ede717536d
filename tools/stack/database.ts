import { join } from "node:path";
import { type Api, type ApiSettings, startApi } from "./api/api.ts";
import type { Keys } from "./keys.ts";
import type { Log } from "./log.ts";
import { keepLeftOut } from "./migrate/left_out.ts";
import { migrate } from "./migrate/migrate.ts";
import { migrateProject } from "./migrate/project.ts";
import type { LeftOut } from "./migrate/tell.ts";
import type { Parts } from "./parts.ts";
import { type Postgres, startPostgres } from "./postgres/postgres.ts";
import { completeAuth } from "./postgres/schema/prepare.ts";
import type { Project } from "./project/project.ts";

interface StartDatabaseOptions {
  dataDir: string;
  keys: Keys;
  /** The gateway's. */
  origin: string;
  /** Whose migrations and seeds are applied in place of the stack's own. */
  project?: Project;
  skipFailing?: boolean;
  databasePort?: number;
  databaseSettings?: Record<string, string>;
  progress: (what: string) => void;
  log: Log;
  signal?: AbortSignal;
}

interface StartedDatabase {
  postgres: Postgres;
  api: Api;
  /** What the database lacks of a project's migrations and seeds. */
  leftOut: LeftOut[];
}

/** Starts Postgres, the servers that are made of it alone, and applies the migrations. */
export async function startDatabase(
  options: StartDatabaseOptions,
  parts: Parts,
): Promise<StartedDatabase> {
  const { dataDir, keys, origin, project, databasePort, databaseSettings, signal } = options;
  const { skipFailing = false, progress, log } = options;
  const postgres = await parts.add("postgres", () =>
    startPostgres({
      ...{ dataDir, preferredPort: databasePort, settings: databaseSettings },
      ...{ forProject: project !== undefined, progress },
    }));
  const databaseUrl = postgres.url;
  const api = await parts.add("api", () =>
    startApi({
      ...{ databaseUrl, keys, log, siteUrl: project?.config.auth.site_url ?? origin },
      settings: project && settingsOf(project, dataDir),
    }));
  if (!project) {
    await migrate({ databaseUrl, progress, signal });
    return { postgres, api, leftOut: [] };
  }
  await completeAuth(databaseUrl);
  const how = { project, databaseUrl, dataDir, skipFailing, progress, signal };
  const leftOut = await keepLeftOut(dataDir, await migrateProject(how));
  return { postgres, api, leftOut };
}

/** Without the schema of GraphQL, which nothing here serves. */
function settingsOf({ config }: Project, dataDir: string): ApiSettings {
  const { api, auth: { site_url: _, ...auth }, storage: { enabled, ...storage } } = config;
  const { extra_search_path, max_rows } = api;
  const schemas = api.schemas.filter((name) => name !== "graphql_public");
  return {
    ...{ api: { schemas, extra_search_path, max_rows }, auth },
    storage: enabled ? { ...storage, directory: join(dataDir, "storage") } : undefined,
  };
}
