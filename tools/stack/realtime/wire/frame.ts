/** What clients get, in Phoenix's wire format. */
import { decode, encode, type Json } from "./json.ts";
import type { UserBroadcast, Vsn } from "./message.ts";

/** Something for many sockets, encoded at most once for each version. */
export interface Outgoing {
  /** Undefined where this version has no way to say it. */
  encode(vsn: Vsn): string | Uint8Array | undefined;
}

/** The first byte of a binary frame. */
const KIND = { broadcast: 2, userBroadcast: 4 };
/** Lengths in binary frames are one byte. */
const MAX_PART = 255;
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

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

/** The payload of a text broadcast, of texts that are JSON already. */
export function broadcastPayload(event: string, payload: string, meta?: string): string {
  const about = meta ? `"meta":${meta},` : "";
  return `{"event":${JSON.stringify(event)},${about}"payload":${payload},"type":"broadcast"}`;
}

/** Bytes as a text broadcast. What the database sent is passed on digit by digit. */
function jsonPayload({ event, data, meta }: UserBroadcast): string | undefined {
  try {
    const json = text.decode(data);
    return broadcastPayload(event, meta ? json : encode(decode(json)), meta);
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
