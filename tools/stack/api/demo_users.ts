import { withConnection } from "../postgres/connection.ts";

/** Somebody who can sign in as soon as the stack runs. */
export interface DemoUser {
  email: string;
  id: string;
}

const EMAILS = ["alice@example.com", "bob@example.com"];

/**
 * Makes sure that alice and bob exist and that `password` is theirs, so that what the stack prints is
 * true, whatever was changed in the meantime. Ids stay the same over restarts. `signUp` creates a
 * user and throws if it cannot.
 */
export async function seedDemoUsers(
  databaseUrl: string,
  password: string,
  signUp: (email: string) => Promise<void>,
): Promise<DemoUser[]> {
  return await withConnection(databaseUrl, async (sql) => {
    // bcrypt, which is what the Auth server compares with.
    const known = await sql<DemoUser[]>`
      update auth.users
      set encrypted_password = extensions.crypt(${password}, extensions.gen_salt('bf'))
      where email in ${sql(EMAILS)}
      returning email, id`;
    const missing = EMAILS.filter((email) => !known.some((user) => user.email === email));
    await Promise.all(missing.map(signUp));
    return await sql<DemoUser[]>`
      select email, id from auth.users where email in ${sql(EMAILS)} order by email`;
  });
}
