import { encodeServerFrame, type Frame, parseFrame } from "./phoenix.ts";
import type { Message } from "../runtime.ts";
import type { Vsn } from "./upstream.ts";

/** A text frame of Realtime: what differs from viewer to viewer, and the rest, which all share. */
export interface Parts {
  /** JSON text, `null` included. */
  joinRef: string;
  ref: string;
  topic: string;
  event: string;
  /** What follows the refs. */
  tail: string;
}

/** How Realtime begins its frames in each wire format; it echoes refs as they came, numbers too. */
const REF = '(null|-?\\d[\\d.eE+-]*|"(?:[^"\\\\]|\\\\.)*")';
const ARRAY = new RegExp(`^\\[${REF},${REF},("(?:[^"\\\\]|\\\\.)*"),"([^"\\\\]*)",`);
const OBJECT = new RegExp(
  `^\\{"ref":${REF},"event":"([^"\\\\]*)","topic":("(?:[^"\\\\]|\\\\.)*"),`,
);

/** `[`, the comma between the refs, and the one behind them; `{"ref":` and a comma. */
const ARRAY_SIGNS = 3;
const OBJECT_SIGNS = 8;

/**
 * Takes a text frame of Realtime apart by its first characters; its payload is not parsed. A frame
 * that is written otherwise is parsed whole and written anew. Undefined for what is none.
 */
export function takeApart(vsn: Vsn, text: string): Parts | undefined {
  const parts = split(text);
  if (parts) return parts;
  const frame = parseFrame(vsn, text);
  return frame && split(encodeServerFrame(vsn, frame));
}

function split(text: string): Parts | undefined {
  const array = ARRAY.exec(text);
  if (array) {
    const [, joinRef, ref, quoted, event] = array;
    const topic = unquote(quoted);
    const tail = text.slice(joinRef.length + ref.length + ARRAY_SIGNS);
    return topic === undefined ? undefined : { joinRef, ref, topic, event, tail };
  }
  const object = OBJECT.exec(text);
  if (!object) return undefined;
  const [, ref, event, quoted] = object;
  const topic = unquote(quoted);
  if (topic === undefined) return undefined;
  return { joinRef: "null", ref, topic, event, tail: text.slice(ref.length + OBJECT_SIGNS) };
}

/** The frame with other refs. */
export function withRefs(vsn: Vsn, joinRef: string, ref: string, tail: string): string {
  return vsn === "2.0.0" ? `[${joinRef},${ref},${tail}` : `{"ref":${ref},${tail}`;
}

/** How Realtime begins its answer to this push. */
export function beginOfReply(vsn: Vsn, { topic, ref = null, join_ref = null }: Frame): string {
  const [ours, names] = [JSON.stringify(join_ref), `${JSON.stringify(topic)}`];
  return vsn === "2.0.0"
    ? withRefs(vsn, ours, JSON.stringify(ref), `${names},"phx_reply",`)
    : withRefs(vsn, ours, JSON.stringify(ref), `"event":"phx_reply","topic":${names},`);
}

/** The part of a frame that all share, of one that the relay itself says. */
export function tailOf(vsn: Vsn, frame: Frame): string {
  return split(encodeServerFrame(vsn, frame))!.tail;
}

/** The payload of a frame that has been taken apart. */
export function payloadOf(vsn: Vsn, { tail }: Parts): Record<string, unknown> {
  const frame = parseFrame(vsn, withRefs(vsn, "null", "null", tail));
  return (frame?.payload ?? {}) as Record<string, unknown>;
}

/** Realtime's binary frames that are for everybody: kind, then where the topic begins. */
const TOPIC_START: Record<number, number> = { 2: 3, 4: 5 };

const decoder = new TextDecoder();

/** The topic of a binary broadcast; undefined for kinds that Realtime does not send. */
export function topicOfBroadcast(data: ArrayBuffer): string | undefined {
  const bytes = new Uint8Array(data);
  const start = TOPIC_START[bytes[0]];
  if (start === undefined) return undefined;
  return decoder.decode(bytes.subarray(start, start + bytes[1]));
}

const latin1 = new TextDecoder("latin1");

/** Equal for equal messages alone. */
export function printOf(message: Message): string {
  return typeof message === "string" ? message : `binary ${latin1.decode(message)}`;
}

/** The text of a JSON string; undefined for one that no JSON parser takes. */
function unquote(text: string): string | undefined {
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
