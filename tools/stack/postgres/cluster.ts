import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Account, canReach } from "./account.ts";
import { exists } from "./exists.ts";
import { loadPassword, SUPERUSER } from "./password.ts";

/** A Postgres data directory that this process alone uses. */
interface Cluster {
  /** Absolute path, free of links. */
  directory: string;
  /** The superuser's, unless the cluster is older than random passwords. */
  password: string;
  /** Lets another process have it. The kernel does the same when this process dies. */
  release(): void;
}

interface ClusterOptions {
  dataDir: string;
  account: Account | undefined;
  initdb: string;
  progress: (what: string) => void;
}

/**
 * Locks `<dataDir>/postgres`, and makes a cluster there on the first call.
 *
 * Where `account` cannot reach `dataDir`, the cluster lies in
 * `/var/lib/realtime-relay/<hash of dataDir>` (mode 0700) and `<dataDir>/postgres` is a link to
 * it. Fails with one sentence when another process holds the lock, or another
 * user owns `dataDir`.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { dataDir, account } = options;
  const locks: Deno.FsFile[] = [];
  const release = () => locks.splice(0).forEach(letGo);
  try {
    locks.push(await takeLock(dataDir));
    const own = await Deno.realPath(dataDir);
    const home = await findHome(own, account);
    // A copy of dataDir has a copy of the link: its own lock guards nothing.
    if (home !== own) locks.push(await takeLock(home, dataDir));
    const directory = join(home, "postgres");
    const password = await loadPassword(dataDir);
    if (!await exists(join(directory, "PG_VERSION"))) await create(directory, password, options);
    return { directory, password, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Locks what lies in `directory`, which its user knows as `dataDir`. */
async function takeLock(directory: string, dataDir = directory): Promise<Deno.FsFile> {
  let lock: Deno.FsFile;
  try {
    await Deno.mkdir(directory, { recursive: true });
    lock = await Deno.open(join(directory, "postgres.lock"), { write: true, create: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new Error(`${dataDir} belongs to another user: choose another directory with --data.`);
  }
  if (await lock.tryLock(true)) return lock;
  lock.close();
  throw new Error(
    `${dataDir} is in use by another process: stop that one, or choose another with --data.`,
  );
}

/** Closing the file would leave the lock to a child that is being started: it has a copy of it. */
function letGo(lock: Deno.FsFile): void {
  lock.unlockSync();
  lock.close();
}

/** The directory that holds the cluster: `dataDir`, or its substitute under /var/lib. */
async function findHome(dataDir: string, account: Account | undefined): Promise<string> {
  const path = join(dataDir, "postgres");
  const kept = await Deno.realPath(path).catch(() => undefined);
  if (kept) return join(kept, "..");
  if (account === undefined) return dataDir;
  // The directory is the stack's own: letting others pass through it (not read it) is enough.
  if (await canReach(join(dataDir, ".."), account)) {
    await Deno.chmod(dataDir, (await Deno.stat(dataDir)).mode! & 0o777 | 0o111);
    return dataDir;
  }
  const hash = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  const home = `/var/lib/realtime-relay/${hash}`;
  // Without its link it belonged to a dataDir that was deleted: that was its end.
  await Deno.remove(home, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(home, { recursive: true });
  await Deno.chmod(home, 0o700);
  await Deno.chown(home, account.uid, account.gid);
  await Deno.remove(path).catch(ignoreMissing);
  await Deno.symlink(join(home, "postgres"), path);
  return home;
}

/** Runs initdb aside and renames, so that an interrupted one never looks like a cluster. */
async function create(
  directory: string,
  password: string,
  options: ClusterOptions,
): Promise<void> {
  const { account, initdb, progress } = options;
  progress("creating the database cluster");
  const aside = `${directory}.new`;
  await Deno.remove(aside, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(aside, { mode: 0o700 });
  if (account) await Deno.chown(aside, account.uid, account.gid);
  const passwordFile = `${directory}.password`;
  try {
    await Deno.remove(passwordFile).catch(ignoreMissing);
    await Deno.writeTextFile(passwordFile, password, { mode: 0o600 });
    if (account) await Deno.chown(passwordFile, account.uid, account.gid);
    const { success, stderr } = await new Deno.Command(initdb, {
      args: [`--pgdata=${aside}`, `--pwfile=${passwordFile}`, ...INITDB_ARGUMENTS],
      stdin: "null",
      ...runAs(account),
    }).output();
    if (!success) throw new Error(`initdb failed: ${new TextDecoder().decode(stderr).trim()}`);
  } finally {
    await Deno.remove(passwordFile);
  }
  await Deno.rename(aside, directory);
}

const INITDB_ARGUMENTS = [
  `--username=${SUPERUSER}`,
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  // Postgres' own locale: the same order of text on every machine, whatever it has installed.
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  // Saves a second; what is lost if the machine dies in this very moment is an empty cluster.
  "--no-sync",
];

/** How to spawn a program as `account`: from "/", since it may not enter our directory. */
export function runAs(account: Account | undefined): Partial<Deno.CommandOptions> {
  return { cwd: "/", ...(account && { uid: account.uid, gid: account.gid }) };
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
