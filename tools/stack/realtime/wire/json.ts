/**
 * JSON as Realtime's Elixir reads and writes it, which differs from JSON.parse in what a client can
 * see: the first of duplicate keys wins, keys come out sorted, and numbers keep all their digits.
 */

/** A number whose text would not survive a double, kept as it came. */
export class Digits {
  constructor(readonly text: string) {}
}

export type JsonObject = Map<string, Json>;
export type Json = null | boolean | string | number | Digits | Json[] | JsonObject;

/** Nesting beyond this is refused: the parser recurses, and no honest frame comes near it. */
const MAX_DEPTH = 512;

/** Parses a whole text; throws SyntaxError when it is not one JSON value. */
export function decode(text: string): Json {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** Prints a value compactly, with the keys of objects in order. */
export function encode(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string" || typeof value === "number") return JSON.stringify(value);
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  return `{${members(value).join(",")}}`;
}

/** The members of an object as they are printed, one by one. */
export function members(object: JsonObject): string[] {
  return entries(object).map(([key, value]) => `${JSON.stringify(key)}:${encode(value)}`);
}

/** The entries of an object in the order in which they are printed. */
export function entries(object: JsonObject): [string, Json][] {
  return [...object].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The value under a key where there is an object, else undefined. */
export function at(value: Json | undefined, key: string): Json | undefined {
  return value instanceof Map ? value.get(key) : undefined;
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// deno-lint-ignore no-control-regex -- JSON forbids them within strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACES = " \t\n\r";
const WORDS: Record<string, [string, null | boolean]> = {
  n: ["null", null],
  t: ["true", true],
  f: ["false", false],
};

class Reader {
  #at = 0;
  constructor(readonly text: string) {}

  value(depth: number): Json {
    this.#skipSpace();
    if (depth > MAX_DEPTH) throw new SyntaxError("JSON is nested too deeply");
    const next = this.text[this.#at];
    if (next === '"') return this.#string();
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    const [word, value] = WORDS[next] ?? [];
    if (word === undefined) return this.#number();
    if (!this.text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value!;
  }

  end() {
    this.#skipSpace();
    if (this.#at < this.text.length) this.#fail();
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = new Map();
    this.#list("{", "}", () => {
      this.#skipSpace();
      const key = this.#string();
      this.#expect(":");
      const value = this.value(depth + 1);
      if (!object.has(key)) object.set(key, value);
    });
    return object;
  }

  #array(depth: number): Json[] {
    const array: Json[] = [];
    this.#list("[", "]", () => array.push(this.value(depth + 1)));
    return array;
  }

  #list(open: string, close: string, item: () => void) {
    this.#expect(open);
    this.#skipSpace();
    if (this.text[this.#at] === close) return void this.#at++;
    for (;;) {
      item();
      this.#skipSpace();
      if (this.text[this.#at] === close) return void this.#at++;
      this.#expect(",");
    }
  }

  #string(): string {
    const string: string = JSON.parse(this.#take(STRING) ?? this.#fail());
    // Half of a surrogate pair, which can only be escaped, is no character.
    return string.isWellFormed() ? string : this.#fail();
  }

  #number(): number | Digits {
    const text = this.#take(NUMBER) || this.#fail();
    const number = Number(text);
    return String(number) === text ? number : new Digits(text);
  }

  #expect(char: string) {
    this.#skipSpace();
    if (this.text[this.#at] !== char) this.#fail();
    this.#at++;
  }

  #skipSpace() {
    while (this.#at < this.text.length && SPACES.includes(this.text[this.#at])) this.#at++;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text)?.[0];
    this.#at += match?.length ?? 0;
    return match;
  }

  #fail(): never {
    throw new SyntaxError(`JSON is wrong at position ${this.#at}`);
  }
}
