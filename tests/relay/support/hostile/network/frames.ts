/** Frames as Realtime and its clients write them, in both wire formats (its own code, not the relay's). */
export type Vsn = "1.0.0" | "2.0.0";
export type Message = string | ArrayBuffer;
export type Ref = string | null;

/** A frame whose payload was not looked at. */
export interface Head {
  joinRef: Ref;
  ref: Ref;
  topic: string;
  event: string;
}

/** A client's text frame. `payload` is JSON text. */
export function clientFrame(
  vsn: Vsn,
  { joinRef, ref, topic, event }: Head,
  payload: string,
): string {
  const [a, b, c, d] = [joinRef, ref, topic, event].map((it) => JSON.stringify(it));
  return vsn === "2.0.0"
    ? `[${a},${b},${c},${d},${payload}]`
    : `{"topic":${c},"event":${d},"payload":${payload},"ref":${b},"join_ref":${a}}`;
}

/** A text frame of Realtime's; vsn 1.0.0 has no join_ref. */
export function serverFrame(
  vsn: Vsn,
  { joinRef, ref, topic, event }: Head,
  payload: string,
): string {
  const [a, b, c, d] = [joinRef, ref, topic, event].map((it) => JSON.stringify(it));
  return vsn === "2.0.0"
    ? `[${a},${b},${c},${d},${payload}]`
    : `{"ref":${b},"event":${d},"topic":${c},"payload":${payload}}`;
}

const NAME = '(null|"(?:[^"\\\\]|\\\\.)*")';
const HEADS: [RegExp, (parts: Ref[]) => Head][] = [
  [
    new RegExp(`^\\[${NAME},${NAME},${NAME},${NAME},`),
    ([joinRef, ref, topic, event]) => ({ joinRef, ref, topic: topic!, event: event! }),
  ],
  [
    new RegExp(`^\\{"ref":${NAME},"event":${NAME},"topic":${NAME},`),
    ([ref, event, topic]) => ({ joinRef: null, ref, topic: topic!, event: event! }),
  ],
];

/** Longer heads are nobody's here. */
const MAX_HEAD = 600;

/** The head of a server's text frame, by its first characters; of one that is written otherwise, parsed. */
export function headOf(text: string): Head | undefined {
  const start = text.slice(0, MAX_HEAD);
  for (const [pattern, read] of HEADS) {
    const match = pattern.exec(start);
    if (match) return read(match.slice(1).map((part) => JSON.parse(part)));
  }
  return fieldsOf(text);
}

/** A whole frame, parsed; undefined for what is none. */
export function fieldsOf(text: string): Head & { payload: unknown } | undefined {
  // Several look at a frame while it passes.
  if (text !== last.text) last = { text, fields: parse(text) };
  return last.fields;
}

let last: { text: string; fields: ReturnType<typeof parse> } = { text: "", fields: undefined };

function parse(text: string): Head & { payload: unknown } | undefined {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const [joinRef, ref, topic, event, payload] = Array.isArray(value)
    ? value
    : [value?.join_ref, value?.ref, value?.topic, value?.event, value?.payload];
  // Phoenix wants the key, be it null.
  if (typeof topic !== "string" || typeof event !== "string" || ref === undefined) return undefined;
  return { joinRef: joinRef ?? null, ref, topic, event, payload };
}

/** A broadcast with a number and so many bytes, as JSON text. */
export const broadcastPayload = (n: number, size: number): string =>
  `{"type":"broadcast","event":"e","payload":{"n":${n},"p":"${padding(size)}"}}`;

/** What a database says, by realtime.send(). */
export const databasePayload = (n: number, size: number): string =>
  `{"event":"e","meta":{"id":"${idOf(n)}"},"payload":{"n":${n},"p":"${
    padding(size)
  }"},"type":"broadcast"}`;

/** The ids of bindings that a change is for; they stand at its end. */
export const changeIds = (message: Message): number[] =>
  JSON.parse(/"ids":(\[[^\]]*\])/.exec(message.slice(-200) as string)?.[1] ?? "[]");

/** A change of a row. */
export const changePayload = (
  n: number,
  size: number,
  ids: number[],
  table: string,
  slug: string,
) =>
  `{"data":{"table":"${table}","type":"INSERT","record":{"n":${n},"slug":"${slug}","p":"${
    padding(size)
  }"},"columns":[],"errors":null,"schema":"public","commit_timestamp":"2030-01-01T00:00:00Z"},"ids":${
    JSON.stringify(ids)
  }}`;

const encoder = new TextEncoder();

/** A user's binary broadcast (kind 3). `encoding` 1 is JSON. */
export function binaryPush(topic: string, joinRef: string, ref: string, n: number, size: number) {
  const [a, b, c, e] = [joinRef, ref, topic, "e"].map((part) => encoder.encode(part));
  const header = [3, a.length, b.length, c.length, e.length, 0, 1];
  const payload = `{"n":${n},"p":"${padding(size)}"}`;
  return bytesOf(header, a, b, c, e, encoder.encode(payload));
}

/** The same as Realtime sends it on (kind 4); `payload` is what follows the names. */
export function binaryBroadcast(topic: string, meta: string, payload: Uint8Array): ArrayBuffer {
  const [t, e, m] = [topic, "e", meta].map((part) => encoder.encode(part));
  return bytesOf([4, t.length, e.length, m.length, 1], t, e, m, payload);
}

export const databaseBinary = (topic: string, n: number, size: number): ArrayBuffer =>
  binaryBroadcast(
    topic,
    `{"id":"${idOf(n)}"}`,
    encoder.encode(`{"n":${n},"p":"${padding(size)}"}`),
  );

/** The parts of a user's binary broadcast; undefined for another kind. */
export function readPush(data: ArrayBuffer): Head & { payload: Uint8Array } | undefined {
  const bytes = new Uint8Array(data);
  if (bytes[0] !== 3 || bytes.length < 7) return undefined;
  let place = 7;
  const take = (length: number) => {
    place += length;
    return new TextDecoder().decode(bytes.subarray(place - length, place));
  };
  const [joinRef, ref, topic] = [bytes[1], bytes[2], bytes[3]].map(take);
  take(bytes[4] + bytes[5]);
  return { joinRef, ref, topic, event: "broadcast", payload: bytes.subarray(place) };
}

/** The topic of a binary broadcast of Realtime's. */
export function topicOfBroadcast(data: ArrayBuffer): string {
  const bytes = new Uint8Array(data, 0, Math.min(data.byteLength, MAX_HEAD));
  return new TextDecoder().decode(bytes.subarray(5, 5 + bytes[1]));
}

/** The number that every broadcast and change of these worlds carries near its beginning. */
export function numberOf(message: Message): number | undefined {
  const start = typeof message === "string"
    ? message.slice(0, MAX_HEAD)
    : latin1.decode(new Uint8Array(message, 0, Math.min(message.byteLength, MAX_HEAD)));
  const match = /"n":(\d+)/.exec(start);
  return match ? Number(match[1]) : undefined;
}

export const sizeOf = (message: Message): number =>
  typeof message === "string" ? message.length : message.byteLength;

const latin1 = new TextDecoder("latin1");
const paddings = new Map<number, string>();

function padding(size: number): string {
  let text = paddings.get(size);
  if (text === undefined) paddings.set(size, text = "x".repeat(size));
  return text;
}

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

function bytesOf(header: number[], ...parts: Uint8Array[]): ArrayBuffer {
  const length = parts.reduce((sum, part) => sum + part.length, header.length);
  const bytes = new Uint8Array(length);
  bytes.set(header);
  let place = header.length;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes.buffer;
}
