/** What a client may do on a topic: on private ones row level security of realtime.messages says. */
import { type Database, isLost } from "../database/database.ts";
import type { Identity } from "../token.ts";
import type { Topic } from "./topic.ts";

type Extension = "broadcast" | "presence";

export interface Access {
  /** May receive broadcasts, and so join. */
  read: boolean;
  /** May receive presence. */
  presence: boolean;
  /** Asked at the first send, and remembered until the token changes. */
  mayWrite(extension: Extension): Promise<boolean>;
}

const PUBLIC: Access = {
  read: true,
  presence: true,
  mayWrite: () => Promise.resolve(true),
};

/**
 * The rights on a topic. A policy that fails grants nothing; a database that cannot be reached is an
 * error, and asked again at the next send.
 */
export async function accessTo(
  { name, isPrivate }: Topic,
  database: Database,
  who: Identity,
): Promise<Access> {
  if (!isPrivate) return PUBLIC;
  const { sql, log } = database;
  const refused = (error: Error) => {
    if (isLost(error)) throw error;
    log({ event: "policy_failed", topic: name, reason: error.message });
    return [{ allowed: undefined }];
  };
  const [{ allowed: readable = [] }] = await sql`
    select to_jsonb(local_realtime.may_read(${name}, ${who.role}, ${who.claims})) as allowed
  `.catch(refused);
  const ask = async (extension: Extension): Promise<boolean> => {
    const [{ allowed = false }] = await sql`
      select local_realtime.may_write(${name}, ${who.role}, ${who.claims}, ${extension}) as allowed
    `.catch(refused);
    return allowed;
  };
  const asked = new Map<Extension, boolean>();
  return {
    read: readable.includes("broadcast"),
    presence: readable.includes("presence"),
    async mayWrite(extension) {
      const answer = asked.get(extension) ?? await ask(extension);
      asked.set(extension, answer);
      return answer;
    },
  };
}

/** What a client without the right to receive is told. */
export function unauthorized({ name }: Topic): string {
  return `You do not have permissions to read from this Channel topic: ${name}`;
}
