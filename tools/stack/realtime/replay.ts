/** Past broadcasts of the database for a channel that joins: the newest `limit`, oldest first. */
import type postgres from "postgres";
import type { Database } from "./database.ts";
import type { JoinConfig } from "./join_config.ts";
import { at, decode, encode, type Json } from "./json.ts";

/** More cannot be had, and there is no paging back. */
const MAX_MESSAGES = 25;

export class ReplayError extends Error {
  constructor(reason: string) {
    super(`UnableToReplayMessages: ${reason}`);
  }
}

/** The payloads of the broadcasts to replay, as JSON; none where the join did not ask. */
export async function replay(
  database: Database,
  topic: string,
  config: JoinConfig,
): Promise<string[]> {
  const { replay } = config.broadcast;
  if (replay === undefined || replay === null) return [];
  if (!config.private) throw new ReplayError("Replay is not allowed for public channels");
  const { since, limit } = readParams(replay);
  const rows = await database.sql`
    select id, event, payload::text from realtime.messages
    where topic = ${topic} and private and extension = 'broadcast' and payload is not null
      and inserted_at >= timezone('utc', to_timestamp(${since}::float8 / 1000))
    order by inserted_at desc limit ${limit}
  `;
  return rows.reverse().map(print);
}

function readParams(replay: Json): { since: number; limit: number } {
  const [since, limit] = [at(replay, "since"), at(replay, "limit") ?? MAX_MESSAGES];
  const isValid = Number.isSafeInteger(since) && Number.isSafeInteger(limit) && Number(limit) > 0;
  if (!isValid) throw new ReplayError("Replay params are not valid");
  return { since: Number(since), limit: Math.min(Number(limit), MAX_MESSAGES) };
}

function print({ id, event, payload }: postgres.Row): string {
  const meta = JSON.stringify({ id, replayed: true });
  const body = encode(decode(payload));
  return `{"event":${JSON.stringify(event)},"meta":${meta},"payload":${body},"type":"broadcast"}`;
}
