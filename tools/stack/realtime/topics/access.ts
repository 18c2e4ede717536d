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
  /** Asked at the first send; an answer is remembered until the token changes. */
  mayWrite(extension: Extension): Promise<boolean>;
}

/** That the rights cannot be told: a policy fails, or the table has no partition for the day. */
export class RightsError extends Error {
  constructor(readonly fault: "policy" | "partition", reason: string) {
    super(reason);
  }
}

const PUBLIC: Access = {
  broadcast: true,
  presence: true,
  mayWrite: () => Promise.resolve(true),
};

/** What a probe of the rights asks of whom. */
interface Question {
  database: Database;
  client: Asking;
}

/**
 * The rights on a topic, those to presence at once only where the channel has it on. Throws a
 * RightsError, or what the driver throws where the database cannot be reached.
 */
export async function accessTo(
  topic: Topic,
  { presence, ...question }: Question & { presence: boolean },
): Promise<Access> {
  if (!topic.isPrivate) return PUBLIC;
  const readable = await probe("read", topic, question, presence);
  let writable: Extension[] | undefined;
  const access = {
    broadcast: readable.includes("broadcast"),
    presence: presence ? readable.includes("presence") : undefined,
    async mayWrite(extension: Extension) {
      const answer = writable ?? await probe("write", topic, question);
      const isAllowed = answer.includes(extension);
      // Who begins with presence by its own begins to hear of the others'.
      if (isAllowed && !writable && extension === "presence" && access.presence === undefined) {
        access.presence = (await probe("read", topic, question)).includes("presence");
      }
      writable = answer;
      return isAllowed;
    },
  };
  return access;
}

/** Whether a client may send a broadcast, whatever it may receive. Throws as `accessTo` does. */
export async function mayBroadcast(topic: Topic, question: Question): Promise<boolean> {
  return !topic.isPrivate || (await probe("write", topic, question)).includes("broadcast");
}

/** A right that cannot be told is none; it is asked again at the next send. */
export function isAllowed(right: Promise<boolean>): Promise<boolean> {
  return right.catch((error) => {
    if (error instanceof RightsError) return false;
    throw error;
  });
}

/** Of which extensions the client may receive or send messages. */
async function probe(
  right: "read" | "write",
  { name }: Topic,
  { database: { sql, log }, client }: Question,
  presence = true,
): Promise<Extension[]> {
  const { identity: { role, claims, sub }, headers } = client;
  const who = JSON.stringify({ topic: name, role, claims, sub, headers });
  const answer = right === "read"
    ? sql`select to_jsonb(local_realtime.may_read(${who}::text::jsonb, ${presence})) as allowed`
    : sql`select to_jsonb(local_realtime.may_write(${who}::text::jsonb)) as allowed`;
  const [{ allowed }] = await answer.catch((error) => {
    if (isLost(error)) throw error;
    log({ event: "policy_failed", topic: name, reason: error.message });
    const isPartition = error.code === "23514" && error.table_name === "messages";
    throw new RightsError(isPartition ? "partition" : "policy", error.message);
  });
  return allowed;
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
