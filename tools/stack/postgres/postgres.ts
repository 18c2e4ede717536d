import { join } from "node:path";
import { unprivilegedAccount } from "./account.ts";
import { findBinaries } from "./binaries.ts";
import { openCluster } from "./cluster.ts";
import { withConnection } from "./connection.ts";
import { isFree } from "./free_port.ts";
import { clearOrphan } from "./orphan.ts";
import { FORMER_PASSWORD, SUPERUSER, wrongPassword } from "./password.ts";
import { prepareSchemas } from "./schema/prepare.ts";
import { startServer } from "./server.ts";

export interface PostgresOptions {
  /** Where the data is kept; the cluster is `<dataDir>/postgres`. Created if missing. */
  dataDir: string;
  /** Default: a free one of 20000-32767. */
  port?: number;
  /** Where no `port` is asked for: this one if it is free, else another. */
  preferredPort?: number;
  /**
   * Also what other people's migrations name: schema storage, and the extensions of contrib that role
   * postgres may create on hosted projects. Default false.
   */
  forProject?: boolean;
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
  const { forProject = false } = options;
  const account = await unprivilegedAccount(join(dataDir, "postgres"));
  const { initdb, postgres: program } = await findBinaries(account, progress, forProject);
  const cluster = await openCluster({ dataDir, account, initdb, progress });
  try {
    const { directory, password } = cluster;
    await clearOrphan(directory, progress);
    if (port !== undefined && !isFree(port)) {
      throw new Error(`Port ${port} is taken: stop what listens there, or choose another.`);
    }
    const server = await startServer({
      ...{ program, directory, account },
      ...{ port, preferredPort, settings },
    });
    server.exited.then(cluster.release);
    const url = (user: string, secret = password) =>
      `postgresql://${user}:${secret}@127.0.0.1:${server.port}/postgres`;
    try {
      await giveNewPassword(url(SUPERUSER), url(SUPERUSER, FORMER_PASSWORD), password)
        .catch((error) => {
          throw error.code === WRONG_PASSWORD ? new Error(wrongPassword(dataDir)) : error;
        });
      const adminUrl = url(SUPERUSER);
      await prepareSchemas({ adminUrl, password, forProject, progress });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return { ...server, adminUrl: url(SUPERUSER), url: url("postgres") };
  } catch (error) {
    cluster.release();
    throw error;
  }
}

const WRONG_PASSWORD = "28P01";

/** Where the superuser still has the former password, it gets the one of now. */
async function giveNewPassword(url: string, formerUrl: string, password: string): Promise<void> {
  await withConnection(url, (sql) => sql`select`).catch(async (error) => {
    if (error.code !== WRONG_PASSWORD) throw error;
    await withConnection(
      formerUrl,
      (sql) => sql.unsafe(`alter role ${SUPERUSER} password '${password}'`),
    );
  });
}
