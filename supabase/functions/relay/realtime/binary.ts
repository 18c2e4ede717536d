import { endOfValue, MAX_DEPTH, skipBlanks } from "./json.ts";

/** The one binary kind that a client may send: a user's broadcast (vsn 2.0.0). */
const USER_BROADCAST_PUSH = 3;

/** Kind, then the lengths of join_ref, ref, topic, event and metadata, then the encoding. */
const HEADER = 7;

/** Strict, and with the byte order mark kept: otherwise two topics would have one name here. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A user's broadcast as a client sends it. */
export interface BinaryPush {
  topic: string;
  /** Realtime takes every encoding but 0 for JSON. */
  isJson: boolean;
  payload: Uint8Array;
}

/**
 * Takes a binary user broadcast apart. Undefined for other kinds, for lengths that lie, for names that
 * are not UTF-8 (Realtime cannot write them into the text frames of others), and for metadata that is
 * not JSON, which Realtime takes it for.
 */
export function readBinaryPush(data: ArrayBuffer): BinaryPush | undefined {
  const bytes = new Uint8Array(data);
  if (bytes.length < HEADER || bytes[0] !== USER_BROADCAST_PUSH) return undefined;
  const ends: number[] = [];
  let end = HEADER;
  for (let field = 1; field < 6; field++) ends.push(end += bytes[field]);
  if (end > bytes.length) return undefined;
  const [joinRef, ref, topic, event, metadata] = ends;
  if (metadata > event && !isJson(bytes.subarray(event, metadata))) return undefined;
  const names = [[HEADER, joinRef], [joinRef, ref], [topic, event]];
  if (!names.every(([from, to]) => isText(bytes, from, to))) return undefined;
  const name = decode(bytes.subarray(ref, topic));
  if (name === undefined) return undefined;
  return { topic: name, isJson: bytes[6] !== 0, payload: bytes.subarray(metadata) };
}

/**
 * True for JSON in UTF-8. Realtime puts a payload that claims to be JSON unparsed into the text frames
 * of subscribers with vsn 1.0.0: with anything else a sender would write frames of others there.
 * Linear, and in no more memory than the text takes.
 */
export function isJson(bytes: Uint8Array): boolean {
  const text = decode(bytes);
  if (text === undefined) return false;
  const end = endOfValue(text, 0, MAX_DEPTH);
  return end >= 0 && skipBlanks(text, end) === text.length;
}

function isText(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    if (bytes[at] > 127) return decode(bytes.subarray(from, to)) !== undefined;
  }
  return true;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined; // Not UTF-8.
  }
}
