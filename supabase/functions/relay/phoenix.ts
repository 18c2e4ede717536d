import type { Vsn } from "./upstream.ts";

/** phoenix.js counts in strings; hand-made clients send numbers, and Realtime echoes them. */
type Ref = string | number | null | undefined;

/** Binary frames leave a name 255 bytes; longer ones only make the relay remember and echo them. */
const MAX_NAME_LENGTH = 1_024;

/** A text frame of the Phoenix channels protocol, whatever its wire format. */
export interface Frame {
  join_ref?: Ref;
  ref?: Ref;
  topic: string;
  event: string;
  payload: unknown;
}

/**
 * Parses a client's text frame: an object in vsn 1.0.0, an array of five in vsn 2.0.0. Returns
 * undefined for anything else, as Realtime passes over malformed frames in silence, and for names
 * and refs of more than 1,024 characters.
 */
export function parseFrame(vsn: Vsn, text: string): Frame | undefined {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON: malformed, like any other wrong shape.
  }
  const frame = vsn === "2.0.0" ? fromArray(value) : fromObject(value);
  return frame && isName(frame.topic) && isName(frame.event) && isRef(frame.ref) &&
      isRef(frame.join_ref)
    ? frame
    : undefined;
}

/** Builds a frame anew, so that nothing of the client's text is in it but what was parsed. */
export function encodeFrame(vsn: Vsn, frame: Frame): string {
  const { join_ref, ref, topic, event, payload } = frame;
  return vsn === "2.0.0"
    ? JSON.stringify([join_ref ?? null, ref ?? null, topic, event, payload])
    : JSON.stringify({ topic, event, payload, ref, join_ref });
}

/** The answer to a push, in the order of keys that Realtime uses. */
export function encodeReply(
  vsn: Vsn,
  to: Frame,
  status: "ok" | "error",
  response: Record<string, unknown>,
): string {
  return encodeServerFrame(vsn, { ...to, event: "phx_reply", payload: { status, response } });
}

/** A frame as Realtime sends it: vsn 1.0.0 has no join_ref. */
export function encodeServerFrame(vsn: Vsn, frame: Frame): string {
  const { ref = null, topic, event, payload } = frame;
  if (vsn === "2.0.0") return encodeFrame(vsn, frame);
  return JSON.stringify({ ref, event, topic, payload });
}

/** The one binary kind that a client may send: a user's broadcast (vsn 2.0.0). */
const USER_BROADCAST_PUSH = 3;

/** Kind, then the lengths of join_ref, ref, topic, event and metadata, then the encoding. */
const BINARY_HEADER = 7;

/** Strict, and with the byte order mark kept: otherwise two topics would have one name here. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The topic of a binary user broadcast push; undefined for other kinds and lengths that lie. */
export function topicOfBinary(data: ArrayBuffer): string | undefined {
  const bytes = new Uint8Array(data);
  if (bytes.length < BINARY_HEADER || bytes[0] !== USER_BROADCAST_PUSH) return undefined;
  const start = BINARY_HEADER + bytes[1] + bytes[2];
  const end = start + bytes[3];
  if (end + bytes[4] + bytes[5] > bytes.length) return undefined;
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined; // Not UTF-8: no topic has that name.
  }
}

/** The frame that a binary push with this topic would be as text, without its payload. */
export function frameOfBinary(data: ArrayBuffer, topic: string): Frame {
  const bytes = new Uint8Array(data);
  const refStart = BINARY_HEADER + bytes[1];
  const name = (start: number, end: number) => new TextDecoder().decode(bytes.subarray(start, end));
  return {
    join_ref: name(BINARY_HEADER, refStart),
    ref: name(refStart, refStart + bytes[2]),
    topic,
    event: "broadcast",
    payload: undefined,
  };
}

function fromArray(value: unknown): Frame | undefined {
  if (!Array.isArray(value) || value.length !== 5) return undefined;
  const [join_ref, ref, topic, event, payload] = value;
  return { join_ref, ref, topic, event, payload };
}

function fromObject(value: unknown): Frame | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  const { join_ref, ref, topic, event, payload } = value as Frame;
  return { join_ref, ref, topic, event, payload };
}

function isRef(ref: unknown): boolean {
  return ref === undefined || ref === null || typeof ref === "number" || isName(ref);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value.length <= MAX_NAME_LENGTH;
}
