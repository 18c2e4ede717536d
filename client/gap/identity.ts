import { type CatchUp, keysOf, keyTexts, type Mirror } from "../catch_up.ts";
import {
  asArray,
  asJson,
  canonical,
  exactPayload,
  type Frame,
  type Json,
  nameOf,
} from "../frame.ts";
import { plainTime, timeOf } from "./time.ts";

/** What an event is recognised by, on whichever socket it comes, or when it is read. */
export interface Identity {
  /** One for each binding that it is for, or one; empty where its content is all there is. */
  keys: string[];
  /** The text of the row's time column: a row that comes again under its key has another. */
  time?: string;
  /** When its row was inserted, where changes are read: another may have come under the key. */
  born?: string;
  /** What two sockets bring alike, and the row's next coming does not: commit time, or message id. */
  stamp?: string;
  /** The table whose catch-up brings such events too. */
  catchUp?: CatchUp;
  /** The server's time of the row, and of its commit, in ms since the epoch. */
  at?: number;
  committedAt?: number;
  /** The key of a row that is no more. */
  gone?: string;
  /** Of an INSERT, the same row as its last change brings it. */
  change?: Identity;
}

export function mirrorOf(catchUps: CatchUp[], topic: string): [CatchUp, Mirror] | undefined {
  for (const catchUp of catchUps) {
    const mirror = catchUp.mirror?.(nameOf(topic));
    if (mirror) return [catchUp, mirror];
  }
}

/** Of a change, or of a subscription, where Realtime takes `public` for a schema that is not named. */
export const tableOf = (
  catchUps: CatchUp[],
  { schema = "public", table }: Json,
): CatchUp | undefined =>
  catchUps.find((catchUp) => catchUp.schema === schema && catchUp.table === table);

/** `row` is the row that was read, where the frame was made of one. */
export function identify(catchUps: CatchUp[], frame: Frame, row?: Json): Identity {
  if (frame.event === "postgres_changes") {
    return identifyChange(catchUps, frame, row);
  }
  const { topic, payload } = frame;
  const [catchUp, mirror] = mirrorOf(catchUps, topic) ?? [];
  const id = idOf(frame);
  if (catchUp && payload.event === mirror?.event) {
    const body = asJson(payload.payload);
    const key = row ? keyOf(catchUp, row) : keyOf(catchUp, body, () => bodyOf(frame));
    if (key) {
      return { ...timesOf(catchUp, body), keys: [`${payload.event}:${key}`], stamp: id };
    }
  }
  return { keys: id === undefined ? [] : [`meta:${id}`], stamp: id };
}

/** Of a message of the database's. What peers send may have anything there. */
export function idOf({ payload }: Frame): string | undefined {
  const { id } = asJson(payload.meta);
  return typeof id === "string" ? id : undefined;
}

const bodyOf = (frame: Frame) => asJson(exactPayload(frame).payload);

function identifyChange(catchUps: CatchUp[], frame: Frame, row?: Json): Identity {
  const { ids, data } = frame.payload;
  const change = asJson(data);
  const { type, commit_timestamp } = change;
  const table = tableOf(catchUps, change);
  const catchUp = type === "UPDATE" ? table?.updates : table;
  const committedAt = row ? undefined : timeOf(commit_timestamp);
  const isDelete = type === "DELETE";
  const name = isDelete ? "old_record" : "record";
  const part = asJson(change[name]);
  const exact = () => asJson(asJson(exactPayload(frame).data)[name]);
  const key = catchUp && keyOf(catchUp, row ?? part, row ? undefined : exact);
  if (!key) return { keys: [], committedAt };
  if (isDelete) return { keys: [], committedAt, catchUp, gone: key };
  const keys = asArray(ids).map((binding) => rowKey(catchUp, key, binding));
  // Two rows of one commit may follow each other under one key.
  const stamp = row ? undefined : `${commit_timestamp}${hash(canonical(part, frame))}`;
  const born = table!.updates && timesOf(table!, part).time;
  const of = (each: CatchUp) => ({ ...timesOf(each, part), born, keys, stamp, committedAt });
  const { updates } = catchUp;
  return { ...of(catchUp), change: updates && of(updates) };
}

function hash(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 16_777_619);
  return sum;
}

/** What is known of a row for a binding. */
export const rowKey = (
  { schema, table }: CatchUp,
  key: string,
  binding: unknown,
): string => `${schema}.${table}:${key}:${binding}`;

function timesOf(catchUp: CatchUp, row: Json): Identity {
  const text = row[catchUp.time];
  const time = typeof text === "object" ? undefined : plainTime(text) as string;
  return { keys: [], catchUp, at: timeOf(text), time };
}

/** A row's key as one text; undefined where the row cannot be told from others. */
function keyOf(catchUp: CatchUp, row: Json, exact?: () => Json): string | undefined {
  const names = keysOf(catchUp);
  const read = keyTexts(row);
  let digits: Json | undefined;
  const texts = names.map((name, i) => {
    const value = row[name];
    if (typeof value === "object" || value === undefined) return undefined;
    if (typeof value !== "number") return plainTime(String(value).replace(/^\\x/, ""));
    const text = read[i] ?? (exact ? (digits ??= exact())[name] : value);
    const isRounded = typeof text === "number" &&
      Math.abs(text) > Number.MAX_SAFE_INTEGER;
    return isRounded ? undefined : String(text).replace(/\.0*$|(\.\d*[1-9])0+$/, "$1");
  });
  return texts.includes(undefined) ? undefined : texts.join("\u0000");
}

/** What two sockets that carry the same event carry alike. */
export const contentOf = (frame: Frame): string => {
  const { topic, event, payload: { ids } } = frame;
  return canonical([topic, event, { ...exactPayload(frame), ids, type: "" }], frame);
};
