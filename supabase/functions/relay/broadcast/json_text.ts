import { RelayError } from "../errors.ts";

/** Where a value stands in a text: its first byte, and the first one behind it. */
export interface Span {
  from: number;
  to: number;
}

/** No payload that people send comes near it, and whoever reads JSON pays for depth. */
const MAX_DEPTH = 64;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * A JSON text in UTF-8 that is walked over once: values are found and not read, so that what a client
 * wrote can be sent on to the digit, and a byte costs the same however deep it lies. In a text that
 * is JSON that finds what Realtime reads there; one that is not Realtime refuses whole. Each method
 * throws `bad_request` where it cannot find its way, or where more than 64 brackets are open.
 */
export class JsonText {
  readonly #text: Uint8Array;
  /** How many brackets are open where it is being walked. */
  #depth = 0;

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** Where the text's one value begins. */
  get start(): number {
    return this.#skipSpace(0);
  }

  /** Throws where anything but blanks stands from there on. */
  end(from: number): void {
    if (this.#skipSpace(from) !== this.#text.length) throw notJson();
  }

  isObject(from: number): boolean {
    return this.#text[from] === OPEN_OBJECT;
  }

  isArray(from: number): boolean {
    return this.#text[from] === OPEN_ARRAY;
  }

  isString(from: number): boolean {
    return this.#text[from] === QUOTE;
  }

  /** Where the object ends. `member` is told where name and value begin, and tells where it ends. */
  object(from: number, member: (name: number, from: number) => number): number {
    return this.#list(from, CLOSE_OBJECT, (name) => {
      if (!this.isString(name)) throw notJson();
      const colon = this.#skipSpace(endOfString(this.#text, name));
      if (this.#text[colon] !== COLON) throw notJson();
      return member(name, this.#skipSpace(colon + 1));
    });
  }

  /** Where the array ends. `item` is told where one begins, and tells where it ends. */
  array(from: number, item: (from: number) => number): number {
    return this.#list(from, CLOSE_ARRAY, item);
  }

  /** Where the value ends that begins there. That brackets close by their kind is not looked at. */
  endOf(from: number): number {
    const text = this.#text;
    if (text[from] === QUOTE) return endOfString(text, from);
    if (!isOpening(text[from])) return endOfWord(text, from);
    const around = this.#depth;
    let depth = around;
    let at = from;
    while (at < text.length) {
      const byte = text[at++];
      if (byte === QUOTE) at = endOfString(text, at - 1);
      // Most of what stands between strings.
      else if (byte < OPEN_ARRAY) continue;
      else if (isOpening(byte)) checkDepth(++depth);
      else if (isClosing(byte) && --depth === around) return at;
    }
    throw notJson();
  }

  /** True for this bare word: true, false, null or a number. */
  isWord(from: number, word: string): boolean {
    for (let index = 0; index < word.length; index++) {
      if (this.#text[from + index] !== word.charCodeAt(index)) return false;
    }
    return !isOfWord(this.#text[from + word.length]);
  }

  /** True for the string that says this, be it by escapes. Of letters and digits alone. */
  says(from: number, word: string): boolean {
    const text = this.#text;
    if (text[from] !== QUOTE) return false;
    let at = from + 1;
    for (let index = 0; index < word.length; index++) {
      let code = text[at++];
      if (code === BACKSLASH) {
        // No letter and no digit has another escape.
        if (text[at] !== 0x75) return false;
        code = hexAt(text, at + 1);
        at += 5;
      }
      if (code !== word.charCodeAt(index)) return false;
    }
    return text[at] === QUOTE;
  }

  /** What stands there. */
  bytes({ from, to }: Span): Uint8Array {
    return this.#text.subarray(from, to);
  }

  /** The string that stands there. */
  string(from: number): string {
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      return JSON.parse(decoder.decode(this.#text.subarray(from, endOfString(this.#text, from))));
    } catch {
      throw notJson();
    }
  }

  #list(from: number, close: number, item: (from: number) => number): number {
    checkDepth(++this.#depth);
    let at = this.#skipSpace(from + 1);
    while (this.#text[at] !== close) {
      at = this.#skipSpace(item(at));
      if (this.#text[at] === close) break;
      if (this.#text[at] !== COMMA) throw notJson();
      at = this.#skipSpace(at + 1);
      if (this.#text[at] === close) throw notJson();
    }
    this.#depth--;
    return at + 1;
  }

  #skipSpace(from: number): number {
    let at = from;
    while (isSpace(this.#text[at])) at++;
    return at;
  }
}

function checkDepth(depth: number): void {
  if (depth <= MAX_DEPTH) return;
  throw new RelayError("bad_request", `The body is nested over ${MAX_DEPTH} deep.`);
}

function endOfString(text: Uint8Array, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  throw notJson();
}

/** Numbers, true, false and null; others would change what stands behind them. */
function endOfWord(text: Uint8Array, from: number): number {
  let at = from;
  while (isOfWord(text[at])) at++;
  if (at === from) throw notJson();
  return at;
}

/** Brackets and braces differ in this one bit. */
const isOpening = (byte: number) => (byte | 0x20) === OPEN_OBJECT;
const isClosing = (byte: number) => (byte | 0x20) === CLOSE_OBJECT;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Letters, digits, and the signs of a number. */
function isOfWord(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x45 ||
    byte === 0x2b || byte === 0x2d || byte === 0x2e;
}

/** The number that four digits make there; -1 where they are none. */
function hexAt(text: Uint8Array, from: number): number {
  let code = 0;
  for (let at = from; at < from + 4; at++) {
    const digit = digitOf(text[at]);
    if (digit === -1) return -1;
    code = code * 16 + digit;
  }
  return code;
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}

function notJson(): RelayError {
  return new RelayError("bad_request", "The body is not JSON.");
}
