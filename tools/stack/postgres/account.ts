import { dirname } from "node:path";

/** An operating system user that Postgres may run as. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * The account Postgres must be given, or `undefined` where the current user serves.
 *
 * Postgres refuses to run as root, so root lends it the owner of `cluster` where that exists
 * already, else the user `postgres` (`_postgres` on macOS), else `nobody`. Fails with one sentence
 * when there is none of them.
 */
export async function unprivilegedAccount(cluster: string): Promise<Account | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const owner = await Deno.stat(cluster).catch(() => undefined);
  if (owner?.uid) return { uid: owner.uid, gid: owner.gid! };
  const users = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "_postgres", "nobody"]) {
    const user = users.find(([login]) => login === name);
    if (user) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Error(
    "Postgres cannot run as root: start as a normal user, or create a user named postgres.",
  );
}

/** Whether `account` may pass through every directory on the way to `path`, by their mode bits. */
export async function canReach(path: string, account: Account): Promise<boolean> {
  const directory = dirname(path);
  if (directory !== path && !(await canReach(directory, account))) return false;
  const { mode, uid, gid, isDirectory } = await Deno.stat(path);
  if (!isDirectory || mode === null) return true;
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & 1) === 1;
}
