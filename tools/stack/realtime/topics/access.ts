/** What a client may do on a topic: on private ones row level security of realtime.messages says. */
import { type Database, isLost } from "../database/database.ts";
import type { Identity } from "../token.ts";
import type { Topic } from "./topic.ts";

type Extension = "broadcast" | "presence";

/** Who asks, as policies may see it. */
export interface Asking {
  identity: Identity;
  /** Those of its request, as JSON. */
  headers: string;
}

export interface Access {
  /** May receive broadcasts. */
  readonly broadcast: boolean;
  /** May receive presence; undefined while that was not asked. */
  readonly presence: boolean | undefined;
  /** Asked at the first send, and remembered until the token changes. */
  mayWrite(extension: Extension): Promise<boolean>;
}

const PUBLIC: Access = {
  broadcast: true,
  presence: true,
  mayWrite: () => Promise.resolve(true),
};

/**
 * The rights on a topic, those to presence at once only where the channel has it on. A policy that
 * fails grants nothing; a database that cannot be reached is an error, and asked again at the next
 * send.
 */
export async function accessTo(
  { name, isPrivate }: Topic,
  { database: { sql, log }, client, presence }: {
    database: Database;
    client: Asking;
    presence: boolean;
  },
): Promise<Access> {
  if (!isPrivate) return PUBLIC;
  const { identity: { role, claims, sub }, headers } = client;
  const who = JSON.stringify({ topic: name, role, claims, sub, headers });
  const refused = (error: Error) => {
    if (isLost(error)) throw error;
    log({ event: "policy_failed", topic: name, reason: error.message });
    return [{ allowed: undefined }];
  };
  const read = async (presence: boolean): Promise<Extension[]> => {
    const [{ allowed = [] }] = await sql`
      select to_jsonb(local_realtime.may_read(${who}::text::jsonb, ${presence})) as allowed
    `.catch(refused);
    return allowed;
  };
  const write = async (): Promise<Extension[]> => {
    const [{ allowed = [] }] = await sql`
      select to_jsonb(local_realtime.may_write(${who}::text::jsonb)) as allowed
    `.catch(refused);
    return allowed;
  };
  const readable = await read(presence);
  let writable: Extension[] | undefined;
  const access = {
    broadcast: readable.includes("broadcast"),
    presence: presence ? readable.includes("presence") : undefined,
    async mayWrite(extension: Extension) {
      const isFirst = !writable;
      writable ??= await write();
      const isAllowed = writable.includes(extension);
      // Who begins with presence by its own begins to hear of the others'.
      if (isAllowed && isFirst && extension === "presence" && access.presence === undefined) {
        access.presence = (await read(true)).includes("presence");
      }
      return isAllowed;
    },
  };
  return access;
}

/** Whether a client may receive anything: who may only one of both joins too. */
export function mayJoin({ broadcast, presence }: Access): boolean {
  return broadcast || presence === true;
}

/** Whether a right to receive was there before and is gone. */
export function isRevoked(before: Access, now: Access): boolean {
  return (before.broadcast && !now.broadcast) ||
    (before.presence === true && now.presence === false);
}

/** What a client without the right to receive is told. */
export function unauthorized({ name }: Topic): string {
  return `You do not have permissions to read from this Channel topic: ${name}`;
}
