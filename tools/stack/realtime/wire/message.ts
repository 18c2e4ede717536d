/** What clients send, in Phoenix's wire format. */
import { at, decode, type Json } from "./json.ts";

/** 1.0.0 has JSON objects; 2.0.0 has JSON arrays, and binary frames. */
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

/** The first byte of a binary frame. */
const KIND = { push: 0, userBroadcastPush: 3 };
/** How a binary broadcast says that it is bytes; every other number says JSON. */
const RAW = 0;
/** A byte order mark is kept: without it a name would be another one. */
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a text frame; undefined when it is none of this version's. */
export function decodeText(vsn: Vsn, frame: string): Message | undefined {
  let value: Json;
  try {
    value = decode(frame);
  } catch {
    return undefined;
  }
  const [joinRef, ref, topic, event, payload] = vsn === "2.0.0"
    ? (Array.isArray(value) ? value : [])
    : ["join_ref", "ref", "topic", "event", "payload"].map((key) => at(value, key));
  if (typeof topic !== "string" || typeof event !== "string") return undefined;
  // Only an object's join_ref may be missing; what follows the five values of a list is nothing.
  if (ref === undefined || payload === undefined) return undefined;
  return { joinRef: joinRef ?? null, ref, topic, event, payload };
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
    const [joinRef, ref, topic, event, meta] = parts.map((part) => text.decode(part));
    // It is read for nothing, but it has to be JSON.
    if (meta) decode(meta);
    const data = frame.subarray(start);
    const payload = isPush
      ? new Bytes(data)
      : new UserBroadcast(event, frame[6] === RAW ? "raw" : "json", data);
    return { joinRef, ref, topic, event: isPush ? event : "broadcast", payload };
  } catch {
    return undefined;
  }
}
