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
}

/** What clients push and servers send as a binary broadcast. */
const USER_BROADCAST_PUSH = 3;
const USER_BROADCAST = 4;
const JSON_ENCODING = 1;

const utf8 = new TextDecoder();

/** Reads a frame of either side. Anything else has no topic, and is carried as it is. */
export function decode(vsn: Vsn, raw: Data): Frame {
  try {
    const value = typeof raw === "string" ? JSON.parse(raw) : vsn === "2.0.0" && binary(raw);
    const frame = Array.isArray(value) ? fromParts(value) : value;
    if (typeof frame.topic === "string" && typeof frame.event === "string") {
      return { ...frame, payload: asJson(frame.payload), raw };
    }
  } catch {
    // Neither JSON nor a binary frame that keeps its own lengths.
  }
  return { topic: "", event: "", payload: {}, raw };
}

const fromParts = ([join_ref, ref, topic, event, payload]: unknown[]) =>
  ({ join_ref, ref, topic, event, payload }) as Frame;

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
});

/** The answer to a push. */
export const reply = (to: Frame, status: "ok" | "error", response: Json = {}): Frame => ({
  ...withPayload(to, { status, response }),
  event: "phx_reply",
});

export const asJson = (value: unknown): Json =>
  typeof value === "object" && value !== null ? value as Json : {};

export const asArray = <T = unknown>(value: unknown): T[] => Array.isArray(value) ? value : [];

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

/** Lengths first, one byte each: of join ref and ref (of a push), topic, event and metadata. */
function binary(data: ArrayBuffer): unknown[] {
  const bytes = new Uint8Array(data);
  const isPush = bytes[0] === USER_BROADCAST_PUSH;
  const count = isPush ? 5 : 3;
  let start = count + 2;
  const parts = [...bytes.subarray(1, 1 + count)].map((length) =>
    utf8.decode(bytes.subarray(start, start += length))
  );
  if (start > bytes.length || !(isPush || bytes[0] === USER_BROADCAST)) return [];
  const [topic, event, meta] = parts.slice(-3);
  const rest = bytes.subarray(start);
  const payload: Json = { type: "broadcast", event };
  payload.payload = bytes[count + 1] === JSON_ENCODING ? JSON.parse(utf8.decode(rest)) : [...rest];
  if (meta) payload.meta = JSON.parse(meta);
  return [...(isPush ? parts : [null, null]).slice(0, 2), topic, "broadcast", payload];
}
