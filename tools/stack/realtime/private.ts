/** What a client may do on a topic: on private ones row level security of realtime.messages says. */
import type { Database } from "./database.ts";
import type { Identity } from "./token.ts";

type Extension = "broadcast" | "presence";

export interface Access {
  /** May receive broadcasts, and so join. */
  read: boolean;
  /** May receive presence. */
  presence: boolean;
  /** Asked at the first send, and remembered until the token changes. */
  mayWrite(extension: Extension): Promise<boolean>;
}

export const PUBLIC: Access = {
  read: true,
  presence: true,
  mayWrite: () => Promise.resolve(true),
};

/** The rights on a private topic. A policy that fails grants nothing. */
export async function probe(database: Database, topic: string, who: Identity): Promise<Access> {
  const { sql, log } = database;
  const failed = (error: Error) => log({ event: "policy_failed", topic, reason: error.message });
  const readable: string[] = await sql`
    select local_realtime.may_read(${topic}, ${who.role}, ${who.claims}) as allowed
  `.then(([row]) => row.allowed, (error) => (failed(error), []));
  const asked = new Map<Extension, Promise<boolean>>();
  const ask = (extension: Extension) =>
    sql`
      select local_realtime.may_write(${topic}, ${who.role}, ${who.claims}, ${extension}) as allowed
    `.then(([row]) => row.allowed as boolean, (error) => (failed(error), false));
  return {
    read: readable.includes("broadcast"),
    presence: readable.includes("presence"),
    mayWrite(extension) {
      const answer = asked.get(extension) ?? ask(extension);
      asked.set(extension, answer);
      return answer;
    },
  };
}
