import { join } from "node:path";
import postgres from "postgres";
import { unprivilegedAccount } from "./account.ts";
import { findBinaries } from "./binaries.ts";
import { openCluster, PASSWORD, SUPERUSER } from "./cluster.ts";
import { isFree } from "./free_port.ts";
import { clearOrphan } from "./orphan.ts";
import { startServer } from "./server.ts";

export interface PostgresOptions {
  /** Where the data is kept; the cluster is `<dataDir>/postgres`. Created if missing. */
  dataDir: string;
  /** Default: a free one of 20000-32767. */
  port?: number;
  /** Where no `port` is asked for: this one if it is free, else another. */
  preferredPort?: number;
  /** Told what takes long while it happens. */
  progress?: (what: string) => void;
  /** Further settings of the server, as in postgresql.conf: `{ fsync: "off" }` in tests. */
  settings?: Record<string, string>;
}

/** A running PostgreSQL 17 that listens on 127.0.0.1 only. */
export interface Postgres {
  port: number;
  /** As superuser `supabase_admin`. */
  adminUrl: string;
  /** As role `postgres`, which is no superuser, like on hosted projects. */
  url: string;
  /** The server's exit code, whoever ended it. */
  exited: Promise<number>;
  /** Fast shutdown; open connections are ended. Done when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL, as if the machine had died. For tests. */
  kill(): void;
}

/**
 * Starts PostgreSQL on the data of `dataDir`, which the first start makes by initdb and
 * bootstrap.sql. Works as root (the server runs as an unprivileged user) and as anybody else,
 * and recovers from the `kill -9` of the server or of its parent. Fails with one sentence when
 * the port is taken, the directory is in use, or the server does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, port, preferredPort, settings, progress = () => {} } = options;
  const account = await unprivilegedAccount(join(dataDir, "postgres"));
  const { initdb, postgres: program } = await findBinaries(account, progress);
  const cluster = await openCluster({ dataDir, account, initdb, progress });
  try {
    const { directory } = cluster;
    await clearOrphan(directory, progress);
    if (port !== undefined && !isFree(port)) {
      throw new Error(`Port ${port} is taken: stop what listens there, or choose another.`);
    }
    const server = await startServer({
      ...{ program, directory, account },
      ...{ port, preferredPort, settings },
    });
    server.exited.then(cluster.release);
    const url = (user: string) =>
      `postgresql://${user}:${PASSWORD}@127.0.0.1:${server.port}/postgres`;
    await bootstrap(url(SUPERUSER), progress).catch(async (error) => {
      await server.stop();
      throw error;
    });
    return { ...server, adminUrl: url(SUPERUSER), url: url("postgres") };
  } catch (error) {
    cluster.release();
    throw error;
  }
}

/** Runs bootstrap.sql, in one transaction, unless it was run before. */
async function bootstrap(adminUrl: string, progress: (what: string) => void): Promise<void> {
  // For `fetch_types` see the connections of realtime/database.ts.
  const sql = postgres(adminUrl, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    const [{ done }] = await sql`select to_regclass('realtime.messages') is not null as done`;
    if (done) return;
    progress("making the roles and schemas of a Supabase project");
    await sql.unsafe(await Deno.readTextFile(new URL("bootstrap.sql", import.meta.url))).simple();
  } finally {
    await sql.end();
  }
}
