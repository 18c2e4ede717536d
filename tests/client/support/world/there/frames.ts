/** Phoenix's wire format as Realtime and realtime-js write it, told anew: the client's is on trial. */

export type Vsn = "1.0.0" | "2.0.0";
export type Payload = Record<string, unknown>;

export interface Frame {
  join_ref?: string | null;
  ref?: string | null;
  topic: string;
  event: string;
  payload: Payload;
}

const utf8 = new TextDecoder();
const NUMBER = /"#(\d+)"/g;

/** Digits that a number would round, for `text`. */
export const digits = (id: string): string => `#${id}`;

/** As Realtime writes it: of vsn 1 without a join ref. */
export function text(
  vsn: Vsn,
  { join_ref = null, ref = null, topic, event, payload }: Frame,
): string {
  const value = vsn === "2.0.0"
    ? [join_ref, ref, topic, event, payload]
    : { ref, event, topic, payload };
  return JSON.stringify(value).replace(NUMBER, "$1");
}

/** A user's broadcast in vsn 2, which has its own form: kind 4, JSON. */
export function binary({ topic, payload }: Frame): ArrayBuffer {
  const encode = (value: string) => new TextEncoder().encode(value);
  const head = [encode(topic), encode(String(payload.event)), encode("")];
  const body = encode(JSON.stringify(payload.payload));
  const bytes = [4, ...head.map(({ length }) => length), 1, ...head.flatMap((part) => [...part])];
  return new Uint8Array([...bytes, ...body]).buffer;
}

/** What a client or a server has sent. */
export function decode(vsn: Vsn, data: string | ArrayBuffer): Frame {
  if (typeof data !== "string") return fromBinary(new Uint8Array(data));
  const value = JSON.parse(data);
  if (vsn === "1.0.0") return { ...value, payload: asPayload(value.payload) };
  const [join_ref, ref, topic, event, payload] = value;
  return { join_ref, ref, topic, event, payload: asPayload(payload) };
}

const asPayload = (value: unknown): Payload =>
  typeof value === "object" && value !== null ? value as Payload : {};

function fromBinary(bytes: Uint8Array): Frame {
  const isPush = bytes[0] === 3;
  const count = isPush ? 5 : 3;
  let start = count + 2;
  const parts = [...bytes.subarray(1, count + 1)].map((length) =>
    utf8.decode(bytes.subarray(start, start += length))
  );
  const [topic, event] = parts.slice(-3);
  const [join_ref, ref] = isPush ? parts : [null, null];
  const payload = JSON.parse(utf8.decode(bytes.subarray(start)));
  return {
    join_ref,
    ref,
    topic,
    event: "broadcast",
    payload: { type: "broadcast", event, payload },
  };
}
