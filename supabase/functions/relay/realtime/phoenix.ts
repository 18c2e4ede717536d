import type { Vsn } from "./upstream.ts";

/** phoenix.js counts in strings; hand-made clients send numbers, and Realtime echoes them. */
export type Ref = string | number | null | undefined;

/** Binary frames leave a name 255 bytes; longer ones only make the relay remember and echo them. */
const MAX_NAME_LENGTH = 1_024;

/** A text frame of the Phoenix channels protocol, whatever its wire format. */
export interface Frame {
  join_ref?: Ref;
  ref?: Ref;
  topic: string;
  event: string;
  /** Absent where nobody needed it: only joins and tokens are looked into. */
  payload?: unknown;
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

/** What Realtime answers to what is sent on a channel that it does not have. */
export const UNMATCHED = "unmatched topic";

/**
 * Builds a frame anew, so that nothing of the client's text is in it but what was parsed. It always
 * has a ref: an object without that key is no message to Phoenix, which passes it over.
 */
export function encodeFrame(vsn: Vsn, frame: Frame): string {
  const { join_ref, ref = null, topic, event, payload } = frame;
  return vsn === "2.0.0"
    ? JSON.stringify([join_ref ?? null, ref, topic, event, payload])
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

/** What a client is told of a channel that was ended, as Realtime tells it: why, and that it is so. */
export function encodeEnding(
  vsn: Vsn,
  topic: string,
  joinRef: Ref,
  message: string,
): [why: string, close: string] {
  const channel = topic.replace(/^realtime:/, "");
  const payload = { message, status: "error", extension: "system", channel };
  const to = { join_ref: joinRef, topic };
  return [
    encodeServerFrame(vsn, { ...to, event: "system", payload }),
    encodeServerFrame(vsn, { ...to, ref: joinRef, event: "phx_close", payload: {} }),
  ];
}

/** A frame as Realtime sends it: vsn 1.0.0 has no join_ref. */
export function encodeServerFrame(vsn: Vsn, frame: Frame): string {
  const { ref = null, topic, event, payload } = frame;
  if (vsn === "2.0.0") return encodeFrame(vsn, frame);
  return JSON.stringify({ ref, event, topic, payload });
}

/** Of a binary push: kind, the lengths of join_ref, ref, topic, event and metadata, the encoding. */
const BINARY_HEADER = 7;

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

export function isRef(ref: unknown): ref is Ref {
  return ref === undefined || ref === null || typeof ref === "number" || isName(ref);
}

/** Half of a surrogate pair is no text: a socket would send another character in its place. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_LENGTH && value.isWellFormed();
}
