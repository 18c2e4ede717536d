const encoder = new TextEncoder();

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A frame as a server sends it (RFC 6455, 5.2), or, masked with zeros, as a client does. */
export function frame(
  opcode: number,
  payload: string | Uint8Array,
  masked = false,
): Uint8Array<ArrayBuffer> {
  const data = typeof payload === "string" ? encoder.encode(payload) : payload;
  const long = data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8;
  const head = new DataView(new ArrayBuffer(2 + long + (masked ? 4 : 0)));
  head.setUint8(0, 0x80 | opcode);
  head.setUint8(1, (masked ? 0x80 : 0) | (long === 0 ? data.length : long === 2 ? 126 : 127));
  if (long === 2) head.setUint16(2, data.length);
  if (long === 8) head.setBigUint64(2, BigInt(data.length));
  const all = new Uint8Array(head.byteLength + data.length);
  all.set(new Uint8Array(head.buffer));
  all.set(data, head.byteLength);
  return all;
}

export type Kind = "text" | "binary";

/** A message to one who has joined the topic, of so many bytes. */
export function message(kind: Kind, size: number, topic = "realtime:bench"): Uint8Array {
  const head = `[null,null,"${topic}","broadcast",{"type":"broadcast","text":"`;
  const data = encoder.encode(`${head}${"x".repeat(size - head.length - 3)}"}]`);
  if (kind === "binary") data[0] = 4;
  return data;
}

const NOTHING = new Uint8Array(0);

/** Told each frame: its opcode, and its payload, unmasked, which is overwritten afterwards. */
export type OnFrame = (opcode: number, payload: Uint8Array<ArrayBuffer>) => void;

/** Takes a byte stream apart into frames; only what is incomplete is copied. */
export class FrameReader {
  #rest = NOTHING;

  push(bytes: Uint8Array<ArrayBuffer>, onFrame: OnFrame): void {
    let data = this.#rest.length > 0 ? join(this.#rest, bytes) : bytes;
    while (data.length >= 2) {
      const masked = data[1] >= 0x80;
      const short = data[1] & 0x7f;
      const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (masked ? 4 : 0);
      if (data.length < start) break;
      const end = start + (short < 126 ? short : lengthOf(data, short));
      if (data.length < end) break;
      const payload = data.subarray(start, end);
      if (masked) unmask(payload, data.subarray(start - 4, start));
      onFrame(data[0] & 0x0f, payload);
      data = data.subarray(end);
    }
    this.#rest = data.length > 0 ? data.slice() : NOTHING;
  }
}

function lengthOf(data: Uint8Array, short: number): number {
  const view = new DataView(data.buffer, data.byteOffset);
  return short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
}

function unmask(payload: Uint8Array, key: Uint8Array): void {
  for (let n = 0; n < payload.length; n++) payload[n] ^= key[n & 3];
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
