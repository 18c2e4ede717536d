import { join } from "node:path";

/** Of the cluster's own superuser, whom initdb makes. */
export const SUPERUSER = "supabase_admin";
/** The other roles that can log in; bootstrap.sql makes them. */
const ROLES = ["postgres", "authenticator", "supabase_auth_admin"];
/** Of all of them in clusters that were made before passwords were random. */
export const FORMER_PASSWORD = "postgres";

const FILE = "database.password";

/**
 * The password of every role that can log in, kept in `<dataDir>/database.password`; made at random
 * on the first call, readable by its owner only. Call it while holding the cluster's lock.
 */
export async function loadPassword(dataDir: string): Promise<string> {
  const path = join(dataDir, FILE);
  const kept = await read(path);
  if (kept !== undefined) return kept;
  const password = crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" });
  // Renamed into place, so that a start that is killed here leaves no half file.
  await Deno.remove(`${path}.new`).catch(() => {});
  await Deno.writeTextFile(`${path}.new`, `${password}\n`, { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
  return password;
}

/** Undefined where there is no file. What else stands in it would be no part of a URL, or of SQL. */
async function read(path: string): Promise<string | undefined> {
  try {
    const password = (await Deno.readTextFile(path)).trim();
    if (/^[\w-]+$/.test(password)) return password;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`${path} cannot be read: run as its owner, or name another --data directory.`);
  }
  throw new Error(`${path} does not hold the database's password: letters, digits, - and _.`);
}

/** SQL that gives all of them the password, which holds no quotes. */
export function setPasswords(password: string): string {
  return [SUPERUSER, ...ROLES].map((role) => `alter role ${role} password '${password}';`)
    .join("\n");
}

/** What is told where neither password opens the cluster. */
export function wrongPassword(dataDir: string): string {
  return `The database does not know the password in ${join(dataDir, FILE)}: ` +
    "put the file back that belongs to it, or begin another directory with --data.";
}
