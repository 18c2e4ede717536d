import type { CatchUp, Mirror } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import { asArray, asJson, canonical, type Frame, type Json } from "./frame.ts";

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

export const tableOf = (catchUps: CatchUp[], { schema, table }: Json): CatchUp | undefined =>
  catchUps.find((catchUp) => catchUp.schema === schema && catchUp.table === table);

const insertId = ({ schema, table, key }: CatchUp, row: Json, binding: unknown): string =>
  `${schema}.${table}:${row[key]}:${binding}`;

export function identify(catchUps: CatchUp[], { topic, event, payload }: Frame): Identity {
  if (event === "postgres_changes") return identifyChange(catchUps, payload);
  const [catchUp, mirror] = mirrorOf(catchUps, topic) ?? [];
  const body = asJson(payload.payload);
  if (catchUp && payload.event === mirror?.event && body[catchUp.key] !== undefined) {
    const ids = [`${payload.event}:${body[catchUp.key]}`];
    return { ids, catchUp, time: timeOf(body[catchUp.time]) };
  }
  const { id } = asJson(payload.meta);
  return { ids: id === undefined ? [] : [`meta:${id}`], time: serverTimeOf(body) };
}

function identifyChange(catchUps: CatchUp[], payload: Json): Identity {
  const data = asJson(payload.data);
  const catchUp = tableOf(catchUps, data);
  const row = asJson(data.record);
  const time = timeOf(data.commit_timestamp);
  if (data.type !== "INSERT" || !catchUp || row[catchUp.key] === undefined) {
    return { ids: [], time };
  }
  const ids = asArray(payload.ids).map((binding) => insertId(catchUp, row, binding));
  return { ids, catchUp, time: timeOf(row[catchUp.time]) ?? time };
}

/** A row may come again under its old key once it was deleted. */
export function forget(catchUps: CatchUp[], channel: Channel, { event, payload }: Frame): void {
  const data = asJson(payload.data);
  const catchUp = tableOf(catchUps, data);
  if (event !== "postgres_changes" || data.type !== "DELETE" || !catchUp) return;
  for (const { id } of channel.bindings) {
    channel.seen.delete(insertId(catchUp, asJson(data.old_record), id));
  }
}

/** What two sockets that carry the same event carry alike. */
export const contentOf = ({ topic, event, payload }: Frame): string =>
  canonical([topic, event, { ...payload, type: "" }]);

/** Where senders commonly put the server's time. */
const TIMES = ["sent_at", "inserted_at", "created_at", "commit_timestamp"];

const serverTimeOf = (body: Json): number | undefined =>
  TIMES.map((name) => timeOf(body[name])).find((time) => time);

export function timeOf(value: unknown): number | undefined {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? undefined : time;
}
