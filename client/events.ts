import type { CatchUp, Mirror } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import { asJson, canonical, type Frame, type Json } from "./frame.ts";

/** What an event is recognised by, on whichever socket it comes. */
export interface Identity {
  /** One for each binding that it is for, or one; empty where its content is all there is. */
  ids: string[];
  /** The table, and the server's time of the event, where it is known. */
  catchUp?: CatchUp;
  time?: number;
}

export const nameOf = (topic: string): string => topic.replace(/^realtime:/, "");

export function mirrorOf(catchUps: CatchUp[], topic: string): [CatchUp, Mirror] | undefined {
  for (const catchUp of catchUps) {
    const mirror = catchUp.mirror?.(nameOf(topic));
    if (mirror) return [catchUp, mirror];
  }
}

export const insertId = ({ schema, table }: CatchUp, key: unknown, binding: unknown): string =>
  `${schema}.${table}:${key}:${binding}`;

export const mirrorId = (event: string, key: unknown): string => `${event}:${key}`;

export function identify(catchUps: CatchUp[], { topic, event, payload }: Frame): Identity {
  if (event === "postgres_changes") return identifyChange(catchUps, payload);
  const found = mirrorOf(catchUps, topic);
  const body = asJson(payload.payload);
  const id = asJson(payload.meta).id;
  if (found && payload.event === found[1].event && body[found[0].key] !== undefined) {
    const [catchUp] = found;
    return {
      ids: [mirrorId(String(payload.event), body[catchUp.key])],
      catchUp,
      time: timeOf(body[catchUp.time]),
    };
  }
  return { ids: id === undefined ? [] : [`meta:${id}`], time: serverTimeOf(body) };
}

function identifyChange(catchUps: CatchUp[], payload: Json): Identity {
  const { schema, table, type, record, commit_timestamp } = asJson(payload.data);
  const catchUp = catchUps.find((c) => c.schema === schema && c.table === table);
  const row = asJson(record);
  if (type !== "INSERT" || !catchUp || row[catchUp.key] === undefined) {
    return { ids: [], time: timeOf(commit_timestamp) };
  }
  const bindings = Array.isArray(payload.ids) ? payload.ids : [];
  return {
    ids: bindings.map((binding) => insertId(catchUp, row[catchUp.key], binding)),
    catchUp,
    time: timeOf(row[catchUp.time]) ?? timeOf(commit_timestamp),
  };
}

/** A row may come again under its old key once it was deleted. */
export function forget(catchUps: CatchUp[], channel: Channel, { event, payload }: Frame): void {
  const { schema, table, type, old_record } = asJson(payload.data);
  if (event !== "postgres_changes" || type !== "DELETE") return;
  const catchUp = catchUps.find((c) => c.schema === schema && c.table === table);
  if (!catchUp) return;
  for (const { id } of channel.bindings) {
    channel.memory.seen.delete(insertId(catchUp, asJson(old_record)[catchUp.key], id));
  }
}

/** What two sockets that carry the same event carry alike. */
export function contentOf({ topic, event, payload }: Frame): string {
  const { type: _type, ...rest } = payload;
  return canonical([topic, event, rest]);
}

/** Where senders commonly put the server's time. */
const TIMES = ["sent_at", "inserted_at", "created_at", "commit_timestamp"];

function serverTimeOf(body: Json): number | undefined {
  for (const name of TIMES) {
    const time = timeOf(body[name]);
    if (time !== undefined) return time;
  }
}

export function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}
