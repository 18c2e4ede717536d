/**
 * Erlang's `erlang:phash2/1` for JSON values. Realtime names a postgres_changes binding by the hash
 * of the map that the client sent, so the same binding has the same id on every server and socket.
 */
import { Digits, type Json } from "../wire/json.ts";

const GOLDEN = 0x9e3779b9;
/** What the virtual machine mixes in for the end of a list, and its hash of an empty list alone. */
const END_OF_LIST = 2;
const EMPTY_LIST = 3468870702;
const RANGE = 1 << 27;

/** A number from 0 to 2^27 - 1, the same that the original computes. */
export function phash2(value: Json): number {
  return hash(value, 0) & (RANGE - 1);
}

const constant = (n: number) => Math.imul(GOLDEN, n);

function hash(value: Json, seed: number): number {
  if (typeof value === "string") return hashBinary(new TextEncoder().encode(value), seed);
  if (value === null) return hashAtom("nil", seed);
  if (typeof value === "boolean") return hashAtom(String(value), seed);
  if (typeof value === "number") return hashNumber(value, seed);
  if (value instanceof Digits) return hashNumber(Number(value.text), seed);
  return Array.isArray(value) ? hashList(value, seed) : hashMap(value, seed);
}

function hashMap(map: Map<string, Json>, seed: number): number {
  const state = mix2(map.size, 0, constant(16), seed);
  if (map.size === 0) return state;
  let pairs = 0;
  for (const [key, value] of map) pairs ^= hash(value, hash(key, 0));
  return mix2(pairs, 0, constant(19), state);
}

function hashList(list: Json[], seed: number): number {
  let state = seed;
  const bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) {
      state = mix2(bytes.reduce((sum, byte) => (sum << 8) + byte, 0), 0, constant(4), state);
    }
    bytes.length = 0;
  };
  for (const item of list) {
    if (typeof item === "number" && Number.isInteger(item) && item >= 0 && item < 256) {
      bytes.push(item);
      if (bytes.length === 4) flush();
    } else {
      flush();
      state = hash(item, state);
    }
  }
  flush();
  return state === 0 ? EMPTY_LIST : mix2(END_OF_LIST, 0, constant(2), state);
}

function hashBinary(bytes: Uint8Array, seed: number): number {
  const start = (constant(13) + seed) | 0;
  return bytes.length === 0 ? start : hashBlock(bytes, start);
}

function hashNumber(number: number, seed: number): number {
  if (!Number.isInteger(number)) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, number);
    return mix2(view.getInt32(0), view.getInt32(4), constant(12), seed);
  }
  const size = Math.abs(number);
  if (number >= -(2 ** 27) && number < 2 ** 27) {
    const state = number < 0 ? mix2(size, 0, GOLDEN, seed) : seed;
    return mix2(number, 0, GOLDEN, state);
  }
  return mix2(size % 2 ** 32, size / 2 ** 32, constant(number < 0 ? 10 : 11), seed);
}

function hashAtom(name: string, seed: number): number {
  let h = 0;
  for (const char of name) {
    h = (h << 4) + char.charCodeAt(0);
    const high = h & 0xf0000000;
    if (high) h = (h ^ (high >>> 24)) ^ high;
  }
  return seed === 0 ? h : mix2(h, 0, constant(3), seed);
}

/** Bob Jenkins' lookup2, as the virtual machine runs it over binaries. */
function hashBlock(bytes: Uint8Array, seed: number): number {
  let [a, b, c] = [GOLDEN | 0, GOLDEN | 0, seed];
  const word = (at: number) =>
    (bytes[at] | 0) + ((bytes[at + 1] | 0) << 8) + ((bytes[at + 2] | 0) << 16) +
    ((bytes[at + 3] | 0) << 24);
  let at = 0;
  for (; bytes.length - at >= 12; at += 12) {
    [a, b, c] = mix(a + word(at), b + word(at + 4), c + word(at + 8));
  }
  // The lowest byte of c is the length, so what is left of the block is shifted past it.
  c += bytes.length + (((bytes[at + 8] | 0) << 8) + ((bytes[at + 9] | 0) << 16) +
    ((bytes[at + 10] | 0) << 24));
  return mix(a + word(at), b + word(at + 4), c)[2];
}

function mix2(x: number, y: number, add: number, seed: number): number {
  return mix(add + (x | 0), add + (y | 0), seed)[2];
}

function mix(a: number, b: number, c: number): [number, number, number] {
  for (const [r1, l, r2] of [[13, 8, 13], [12, 16, 5], [3, 10, 15]]) {
    a = (a - b - c) ^ (c >>> r1);
    b = (b - c - a) ^ (a << l);
    c = (c - a - b) ^ (b >>> r2);
  }
  return [a, b, c];
}
