/** Past broadcasts of the database for a channel that joins: the newest `limit`, oldest first. */
import { Buffer } from "node:buffer";
import type postgres from "postgres";
import type { Database } from "../database/database.ts";
import type { Topic } from "../topics/topic.ts";
import { broadcastPayload } from "../wire/frame.ts";
import { at, decode, Digits, encode, type Json } from "../wire/json.ts";
import { UserBroadcast } from "../wire/message.ts";

/** More cannot be had, and there is no paging back. */
const MAX_MESSAGES = 25;
/** Of the year 9999. */
const LAST_MS = 253402300799999;

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
  if (params === undefined) return [];
  if (!isPrivate) throw new ReplayError("Replay is not allowed for public channels");
  if (!(params instanceof Map)) return [];
  const { since, limit } = readParams(params);
  const rows = await database.sql`
    select id, event, payload::text, encode(binary_payload, 'hex') as bytes from realtime.messages
    where topic = ${name} and private and extension = 'broadcast'
      and inserted_at >= timezone('utc', to_timestamp(${since}::float8 / 1000))
      and inserted_at < timezone('utc', now()) + interval '1 minute'
    -- All of one transaction have one time; the original reads them as they lie in the table, and
    -- so tells them in reverse.
    order by inserted_at desc, ctid limit ${limit}
  `;
  return rows.reverse().map(print);
}

function readParams(params: Json): { since: number; limit: number } {
  // Of what is false only these two count as none: 0 is a number.
  const most = at(params, "limit") === false ? null : at(params, "limit");
  const [since, limit] = [at(params, "since"), most ?? MAX_MESSAGES].map(integer);
  if (since === undefined || limit === undefined || Math.abs(since) > LAST_MS) {
    throw new ReplayError("Replay params are not valid");
  }
  return { since: Math.max(since, 0), limit: Math.min(Math.max(limit, 1), MAX_MESSAGES) };
}

/** An integer of any size; nothing that was written as a fraction. */
function integer(value: Json | undefined): number | undefined {
  const text = value instanceof Digits ? value.text : typeof value === "number" ? `${value}` : "";
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function print({ id, event, payload, bytes }: postgres.Row): string | UserBroadcast {
  const meta = JSON.stringify({ id, replayed: true });
  return bytes !== null
    ? new UserBroadcast(event, "raw", Buffer.from(bytes, "hex"), meta)
    : broadcastPayload(event, encode(decode(payload ?? "null")), meta);
}
