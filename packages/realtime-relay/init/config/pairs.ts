/** A place in a TOML text, from its first character to behind its last. */
interface Place {
  start: number;
  end: number;
}

/** A table's header, such as `[functions.relay]`; `isArray` for `[[…]]`. */
export interface Header extends Place {
  path: string[];
  isArray: boolean;
}

/** A key with its value that stands on a line of its own, in a table or before all of them. */
export interface Pair extends Place {
  /** The table's path and the key's. */
  path: string[];
  header: Header | undefined;
  valueStart: number;
}

/**
 * Where the headers and pairs of a TOML text stand. Parsers tell what a text means and not where; an
 * edit that leaves every other byte alone has to know. The text must be valid: what is inside of
 * values, inline tables too, is passed over.
 */
export function findPairs(text: string): { headers: Header[]; pairs: Pair[] } {
  const reader = new Reader(text);
  const headers: Header[] = [];
  const pairs: Pair[] = [];
  while (reader.skipBlank()) {
    const start = reader.at;
    if (text[start] === "[") {
      const isArray = text[start + 1] === "[";
      reader.at += isArray ? 2 : 1;
      const path = reader.readPath();
      reader.at += isArray ? 2 : 1;
      headers.push({ path, isArray, start, end: reader.at });
    } else {
      const header = headers.at(-1);
      const path = [...(header?.path ?? []), ...reader.readPath()];
      reader.at++;
      reader.skipSpaces();
      const valueStart = reader.at;
      pairs.push({ path, header, start, valueStart, end: reader.skipValue() });
    }
  }
  return { headers, pairs };
}

class Reader {
  at = 0;
  constructor(readonly text: string) {}

  /** Passes over blank lines and comments. False at the end of the text. */
  skipBlank(): boolean {
    this.#match(/(?:[\s\uFEFF]|#[^\n]*)*/y);
    return this.at < this.text.length;
  }

  skipSpaces(): void {
    this.#match(/[ \t]*/y);
  }

  /** Reads `a . "b" . 'c'`, up to what follows it. */
  readPath(): string[] {
    const path: string[] = [];
    do {
      this.skipSpaces();
      const part = this.#match(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+/y);
      path.push(nameOf(part));
      this.skipSpaces();
    } while (this.#match(/\./y));
    return path;
  }

  /** Passes over a value, and returns the place behind it. */
  skipValue(): number {
    let depth = 0;
    let end = this.at;
    while (this.at < this.text.length) {
      const part = this.#match(STRING) || this.#match(/[^\s"'#[\]{}]+|[ \t\r\n]|#[^\n]*|[^]/y);
      if (depth === 0 && (part === "\n" || part.startsWith("#"))) break;
      if (part === "[" || part === "{") depth++;
      if (part === "]" || part === "}") depth--;
      if (part.trim()) end = this.at;
    }
    return end;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}

/** The four kinds; up to two quotes may stand before the three that end a long one. */
const STRING =
  /"""(?:[^\\]|\\[^])*?"""(?:"{0,2})|'''[^]*?'''(?:'{0,2})|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;

function nameOf(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (!part.startsWith('"')) return part;
  const isShort = /\\U([0-9a-fA-F]{8})|\\e|\\x([0-9a-fA-F]{2})/g;
  const json = part.replace(isShort, (all, long, short) => {
    if (all === "\\e") return "\\u001b";
    return JSON.stringify(String.fromCodePoint(parseInt(long ?? short, 16))).slice(1, -1);
  });
  return JSON.parse(json);
}
