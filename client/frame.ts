/** As much of Phoenix's wire format as a transport needs; vsn 1.0.0 and 2.0.0, text and binary. */

export type Vsn = "1.0.0" | "2.0.0";

/** What a socket carries, once views and buffers are one kind. */
export type Data = string | ArrayBuffer;

export type Json = Record<string, unknown>;

export interface Frame {
  join_ref?: string | null;
  ref?: string | null;
  topic: string;
  event: string;
  payload: Json;
  /** As it came, which is how it goes on. */
  raw?: Data;
  /** As it came, where it goes on with another payload. */
  source?: Data;
}

/** What clients push and servers send as a binary broadcast. */
const USER_BROADCAST_PUSH = 3;
const USER_BROADCAST = 4;
const JSON_ENCODING = 1;

/** Reads a frame of either side. Anything else has no topic, and is carried as it is. */
export function decode(vsn: Vsn, raw: Data): Frame {
  try {
    if (typeof raw === "string" || vsn === "2.0.0") {
      const frame = parse(raw, JSON.parse);
      if (typeof frame.topic === "string" && typeof frame.event === "string") {
        return { ...frame, payload: asJson(frame.payload), raw };
      }
    }
  } catch {
    // Neither JSON nor a binary frame that keeps its own lengths.
  }
  return { topic: "", event: "", payload: {}, raw };
}

/** The frames of a message: a batch has one in each line. Binary messages come alone. */
export const messagesOf = (data: Data, isBatch: boolean): Data[] =>
  isBatch && typeof data === "string" ? data.split("\n").filter((line) => line.trim()) : [data];

/** The payload with each number that JSON.parse would round as a string of its digits. */
export function exactPayload({ source, raw = source, payload }: Frame): Json {
  try {
    return raw === undefined ? payload : asJson(parse(raw, parseExactly).payload);
  } catch {
    return payload;
  }
}

/** JSON.parse keeps 15 digits, and tells the source text of a number only since Node 22. */
const LONG = /\d[\d.]{15}/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

const parseExactly = (text: string): unknown =>
  JSON.parse(
    LONG.test(text)
      ? text.replace(STRING_OR_NUMBER, (part) =>
        part[0] === '"' || part.length < 16 ? part : `"${part}"`)
      : text,
  );

type Read = (text: string) => unknown;

function parse(raw: Data, read: Read): Frame {
  const value = typeof raw === "string" ? read(raw) : binary(raw, read);
  if (!Array.isArray(value)) return value as Frame;
  const [join_ref, ref, topic, event, payload] = value;
  return { join_ref, ref, topic, event, payload };
}

export function encode(vsn: Vsn, frame: Frame): Data {
  const { join_ref = null, ref = null, topic, event, payload, raw } = frame;
  return raw ?? JSON.stringify(
    vsn === "2.0.0"
      ? [join_ref, ref, topic, event, payload]
      : { topic, event, payload, ref, join_ref },
  );
}

/** The same frame with another payload. */
export const withPayload = (frame: Frame, payload: Json): Frame => ({
  ...frame,
  payload,
  raw: undefined,
  source: frame.raw ?? frame.source,
});

/** A binary broadcast as servers send it, in vsn 2.0.0 alone; the payload as PostgreSQL writes bytes. */
export function binaryBroadcast(topic: string, event: unknown, meta: Json, hex: unknown): Data {
  const parts = [topic, event as string, JSON.stringify(meta)]
    .map((text) => [...new TextEncoder().encode(text)]);
  const lengths = parts.map(({ length }) => length);
  const bytes = (String(hex).slice(2).match(/../g) ?? []).map((digits) => parseInt(digits, 16));
  return new Uint8Array([USER_BROADCAST, ...lengths, 0, ...parts.flat(), ...bytes]).buffer;
}

/** The answer to a push. */
export const reply = (to: Frame, status: "ok" | "error", response: Json = {}): Frame => ({
  ...withPayload(to, { status, response }),
  event: "phx_reply",
});

export const asJson = (value: unknown): Json =>
  typeof value === "object" && value !== null ? value as Json : {};

export const asArray = <T = unknown>(value: unknown): T[] => Array.isArray(value) ? value : [];

export const nameOf = (topic: string): string => topic.replace(/^realtime:/, "");

/**
 * The same for equal values of a frame, whatever the order of their keys: servers sort them. What is
 * nested too deeply to be written is the frame as it came.
 */
export function canonical(value: unknown, { raw, source = raw }: Frame): string {
  try {
    return JSON.stringify(
      value,
      (_key, part) =>
        part && typeof part === "object" && !Array.isArray(part)
          ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
          : part,
    );
  } catch {
    return String(source);
  }
}

/** Lengths first, one byte each: of join ref and ref (of a push), topic, event and metadata. */
function binary(data: ArrayBuffer, read: Read): unknown[] {
  const utf8 = new TextDecoder();
  const bytes = new Uint8Array(data);
  const isPush = bytes[0] === USER_BROADCAST_PUSH;
  const count = isPush ? 5 : 3;
  let start = count + 2;
  const parts = [...bytes.subarray(1, 1 + count)].map((length) =>
    utf8.decode(bytes.subarray(start, start += length))
  );
  if (start > bytes.length || !(isPush || bytes[0] === USER_BROADCAST)) {
    return [];
  }
  const [meta, event, topic, ref = null, join_ref = null] = parts.reverse();
  const rest = bytes.subarray(start);
  const payload: Json = { type: "broadcast", event };
  payload.payload = bytes[count + 1] === JSON_ENCODING ? read(utf8.decode(rest)) : [...rest];
  if (meta) payload.meta = JSON.parse(meta);
  return [join_ref, ref, topic, "broadcast", payload];
}
