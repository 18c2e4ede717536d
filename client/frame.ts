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
}

/** What clients push and servers send as a binary broadcast. */
const USER_BROADCAST_PUSH = 3;
const USER_BROADCAST = 4;
const JSON_ENCODING = 1;

const utf8 = new TextDecoder();

/** Reads a frame of either side; undefined for anything else, which is carried as it is. */
export function decode(vsn: Vsn, data: unknown): Frame | undefined {
  try {
    if (typeof data !== "string") return vsn === "2.0.0" ? binary(data as ArrayBuffer) : undefined;
    const value = JSON.parse(data);
    const [join_ref, ref, topic, event, payload] = vsn === "2.0.0"
      ? value
      : [value.join_ref, value.ref, value.topic, value.event, value.payload];
    if (typeof topic !== "string" || typeof event !== "string") return undefined;
    return { join_ref, ref, topic, event, payload: asJson(payload) };
  } catch {
    return undefined; // Neither JSON nor a binary frame that keeps its own lengths.
  }
}

export function encode(vsn: Vsn, frame: Frame): string {
  const { join_ref = null, ref = null, topic, event, payload } = frame;
  return vsn === "2.0.0"
    ? JSON.stringify([join_ref, ref, topic, event, payload])
    : JSON.stringify({ topic, event, payload, ref, join_ref });
}

/** The answer to a push. */
export function reply(to: Frame, status: "ok" | "error", response: Json = {}): Frame {
  return { ...to, event: "phx_reply", payload: { status, response } };
}

export function asJson(value: unknown): Json {
  return typeof value === "object" && value !== null ? value as Json : {};
}

/** Bytes that a queue holds for it: exact for binary, UTF-16 units for text. */
export function sizeOf(data: Data): number {
  return typeof data === "string" ? data.length : data.byteLength;
}

/** The same for equal values, whatever the order of their keys: servers sort them. */
export function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part) =>
      part && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

function binary(data: ArrayBuffer): Frame | undefined {
  const bytes = new Uint8Array(data);
  const isPush = bytes[0] === USER_BROADCAST_PUSH;
  if (!isPush && bytes[0] !== USER_BROADCAST) return undefined;
  const count = isPush ? 5 : 3;
  let start = count + 2;
  const parts = [...bytes.subarray(1, 1 + count)].map((length) =>
    utf8.decode(bytes.subarray(start, start += length))
  );
  if (start > bytes.length) return undefined;
  const [join_ref, ref] = isPush ? parts.splice(0, 2) : [null, null];
  const [topic, event, meta] = parts;
  const rest = bytes.subarray(start);
  const payload: Json = { type: "broadcast", event };
  payload.payload = bytes[count + 1] === JSON_ENCODING ? JSON.parse(utf8.decode(rest)) : [...rest];
  if (meta) payload.meta = JSON.parse(meta);
  return { join_ref, ref, topic, event: "broadcast", payload };
}
