/** Past broadcasts of the database for a channel that joins: the newest `limit`, oldest first. */
import { Buffer } from "node:buffer";
import type postgres from "postgres";
import type { Database } from "../database/database.ts";
import type { Topic } from "../topics/topic.ts";
import { broadcastPayload } from "../wire/frame.ts";
import { at, decode, encode, type Json } from "../wire/json.ts";
import { UserBroadcast } from "../wire/message.ts";

/** More cannot be had, and there is no paging back. */
const MAX_MESSAGES = 25;

export class ReplayError extends Error {
  constructor(reason: string) {
    super(`UnableToReplayMessages: ${reason}`);
  }
}

/** The broadcasts to replay, as payloads in JSON or as bytes; none where the join did not ask. */
export async function replay(
  database: Database,
  { name, isPrivate }: Topic,
  params: Json | undefined,
): Promise<(string | UserBroadcast)[]> {
  if (params === undefined || params === null) return [];
  if (!isPrivate) throw new ReplayError("Replay is not allowed for public channels");
  const { since, limit } = readParams(params);
  const rows = await database.sql`
    select id, event, payload::text, encode(binary_payload, 'hex') as bytes from realtime.messages
    where topic = ${name} and private and extension = 'broadcast'
      and num_nonnulls(payload, binary_payload) = 1
      and inserted_at >= timezone('utc', to_timestamp(${since}::float8 / 1000))
    -- All of one transaction have one time; the original reads them as they lie in the table, and
    -- so tells them in reverse.
    order by inserted_at desc, ctid limit ${limit}
  `;
  return rows.reverse().map(print);
}

function readParams(params: Json): { since: number; limit: number } {
  const [since, limit] = [at(params, "since"), at(params, "limit") ?? MAX_MESSAGES];
  const isValid = Number.isSafeInteger(since) && Number.isSafeInteger(limit) && Number(limit) > 0;
  if (!isValid) throw new ReplayError("Replay params are not valid");
  return { since: Number(since), limit: Math.min(Number(limit), MAX_MESSAGES) };
}

function print({ id, event, payload, bytes }: postgres.Row): string | UserBroadcast {
  const meta = JSON.stringify({ id, replayed: true });
  return payload === null
    ? new UserBroadcast(event, "raw", Buffer.from(bytes, "hex"), meta)
    : broadcastPayload(event, encode(decode(payload)), meta);
}
