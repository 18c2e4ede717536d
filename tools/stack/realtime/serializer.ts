/** Phoenix's wire format: vsn 1.0.0 (JSON objects), 2.0.0 (JSON arrays and binary frames). */
import { at, decode, encode, type Json } from "./json.ts";

export type Vsn = "1.0.0" | "2.0.0";

/** What a client sent. Refs are kept as they came, since replies repeat them. */
export interface Message {
  joinRef: Json;
  ref: Json;
  topic: string;
  event: string;
  payload: Json | Bytes | UserBroadcast;
}

/** The payload of Phoenix's own binary push. */
export class Bytes {
  constructor(readonly data: Uint8Array) {}
}

/** The payload of Realtime's binary broadcast, which is passed on without being read. */
export class UserBroadcast {
  constructor(
    readonly event: string,
    readonly encoding: "raw" | "json",
    readonly data: Uint8Array,
    /** JSON that the server adds, as the id of a message from the database. */
    readonly meta?: string,
  ) {}
}

/** Something for many sockets, encoded at most once for each version. */
export interface Outgoing {
  /** Undefined where this version has no way to say it. */
  encode(vsn: Vsn): string | Uint8Array | undefined;
}

const KIND = { push: 0, broadcast: 2, userBroadcastPush: 3, userBroadcast: 4 };
/** Lengths in binary frames are one byte. */
const MAX_PART = 255;
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

/** Reads a text frame; undefined when it is none of this version's. */
export function decodeText(vsn: Vsn, frame: string): Message | undefined {
  let value: Json;
  try {
    value = decode(frame);
  } catch {
    return undefined;
  }
  const [joinRef, ref, topic, event, payload] = vsn === "2.0.0"
    ? (Array.isArray(value) && value.length === 5 ? value : [])
    : ["join_ref", "ref", "topic", "event", "payload"].map((key) => at(value, key));
  if (typeof topic !== "string" || typeof event !== "string" || payload === undefined) return;
  return { joinRef: joinRef ?? null, ref: ref ?? null, topic, event, payload };
}

/** Reads a binary frame of vsn 2.0.0; undefined when it is none. */
export function decodeBinary(frame: Uint8Array): Message | undefined {
  const isPush = frame[0] === KIND.push;
  if (!isPush && frame[0] !== KIND.userBroadcastPush) return undefined;
  const lengths = frame.subarray(1, isPush ? 5 : 6);
  let start = isPush ? 5 : 7;
  const parts = [...lengths].map((length) => frame.subarray(start, start += length));
  if (start > frame.length) return undefined;
  try {
    const [joinRef, ref, topic, event] = parts.map((part) => text.decode(part));
    const data = frame.subarray(start);
    const payload = isPush
      ? new Bytes(data)
      : new UserBroadcast(event, frame[6] === 1 ? "json" : "raw", data);
    return { joinRef, ref, topic, event: isPush ? event : "broadcast", payload };
  } catch {
    return undefined;
  }
}

/** A frame whose payload is JSON text already. `ref` and `joinRef` default to null. */
export function jsonFrame(
  frame: { topic: string; event: string; payload: string; ref?: Json; joinRef?: Json },
): Outgoing {
  const { topic, event, payload } = frame;
  const [ref, joinRef] = [encode(frame.ref ?? null), encode(frame.joinRef ?? null)];
  const [t, e] = [JSON.stringify(topic), JSON.stringify(event)];
  return once((vsn) =>
    vsn === "2.0.0"
      ? `[${joinRef},${ref},${t},${e},${payload}]`
      : `{"ref":${ref},"event":${e},"topic":${t},"payload":${payload}}`
  );
}

/** A broadcast of bytes by Phoenix's own frame; vsn 1.0.0 cannot say it. */
export function bytesFrame(topic: string, event: string, data: Uint8Array): Outgoing {
  const [t, e] = [utf8.encode(topic), utf8.encode(event)];
  return once((vsn) =>
    vsn === "2.0.0" ? concat([KIND.broadcast, t.length, e.length], t, e, data) : undefined
  );
}

/** A binary broadcast: binary in vsn 2.0.0, and JSON in vsn 1.0.0 where it holds JSON. */
export function userBroadcastFrame(topic: string, payload: UserBroadcast): Outgoing {
  const parts = [topic, payload.event, payload.meta ?? ""].map((part) => utf8.encode(part));
  const asText = () => {
    const json = payload.encoding === "json" ? jsonPayload(payload) : undefined;
    return json === undefined ? undefined : jsonFrame({ topic, event: "broadcast", payload: json });
  };
  return once((vsn) => {
    if (vsn === "1.0.0" || parts.some((part) => part.length > MAX_PART)) {
      return asText()?.encode(vsn);
    }
    const lengths = parts.map((part) => part.length);
    const head = [KIND.userBroadcast, ...lengths, payload.encoding === "json" ? 1 : 0];
    return concat(head, ...parts, payload.data);
  });
}

/** The payload of a text broadcast. What the database sent is passed on digit by digit. */
function jsonPayload({ event, data, meta }: UserBroadcast): string | undefined {
  try {
    const json = text.decode(data);
    const body = meta ? json : encode(decode(json));
    const about = meta ? `"meta":${meta},` : "";
    return `{"event":${JSON.stringify(event)},${about}"payload":${body},"type":"broadcast"}`;
  } catch {
    return undefined;
  }
}

function concat(head: number[], ...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head.length));
  bytes.set(head);
  let start = head.length;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}

function once(make: (vsn: Vsn) => string | Uint8Array | undefined): Outgoing {
  const made = new Map<Vsn, string | Uint8Array | undefined>();
  return {
    encode(vsn) {
      if (!made.has(vsn)) made.set(vsn, make(vsn));
      return made.get(vsn);
    },
  };
}
