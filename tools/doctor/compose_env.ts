/** How a name stands at the start of a line. */
const NAME = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*/;

/**
 * Variables of a .env as Docker Compose reads it: `#` begins a comment after a space alone; single
 * quotes take everything as it stands; elsewhere ${NAME}, $NAME and ${NAME:-default} are replaced by
 * `environment`, else by what the file has set before, else by nothing. Lines that are none of this
 * are passed over.
 */
export function readComposeEnv(
  text: string,
  environment: Record<string, string | undefined> = {},
): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  const look = (name: string) => environment[name] ?? variables[name];
  let rest = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  while (rest) {
    const end = rest.indexOf("\n");
    const line = end < 0 ? rest : rest.slice(0, end);
    const [start, name] = NAME.exec(line) ?? [];
    const quote = start !== undefined ? rest[start.length] : undefined;
    const quoted = quote === "'" || quote === '"' ? readQuoted(rest, start!.length) : undefined;
    if (name && quoted) {
      variables[name] = quote === "'"
        ? quoted.value.replaceAll("\\'", "'")
        : expand(unescape(quoted.value), look);
      rest = rest.slice(quoted.end).replace(/^[^\n]*\n?/, "");
      continue;
    }
    if (name) variables[name] = expand(readPlain(line.slice(start!.length)), look);
    rest = end < 0 ? "" : rest.slice(end + 1);
  }
  return { ...variables };
}

/** What stands between quotes, over lines as well; undefined where they are not closed. */
function readQuoted(text: string, start: number): { value: string; end: number } | undefined {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return { value: text.slice(start + 1, at), end: at + 1 };
  }
}

/** Up to a comment, which has a space before it. */
function readPlain(text: string): string {
  if (text.startsWith("#")) return "";
  const comment = text.search(/[ \t]#/);
  return (comment < 0 ? text : text.slice(0, comment)).trim();
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

const unescape = (text: string) =>
  text.replace(/\\([nrt"\\])/g, (_, letter: string) => ESCAPES[letter]);

/** Nested defaults go as deep as anybody writes them. */
const MOST_DEPTH = 8;

function expand(
  text: string,
  look: (name: string) => string | undefined,
  depth = 0,
): string {
  let result = "";
  const closed = text.lastIndexOf("}");
  for (let at = 0; at < text.length; at++) {
    const isEscaped = (text[at] === "\\" || text[at] === "$") && text[at + 1] === "$";
    if (isEscaped) {
      result += "$";
      at++;
      continue;
    }
    const found = text[at] === "$" && depth < MOST_DEPTH
      ? readReference(text, at, closed)
      : undefined;
    if (!found) {
      result += text[at];
      continue;
    }
    const { name, operator, word, end } = found;
    result += choose(look(name), operator, () => expand(word, look, depth + 1));
    at = end - 1;
  }
  return result;
}

/** By Compose's operators; `:` counts an empty value as none. */
function choose(value: string | undefined, operator: string, word: () => string): string {
  const isThere = operator.startsWith(":") ? Boolean(value) : value !== undefined;
  switch (operator.at(-1)) {
    case "-":
      return isThere ? value! : word();
    case "+":
      return isThere ? word() : "";
    default:
      return value ?? "";
  }
}

/** Of a reference with its defaults; one that is never closed is looked for no further. */
const MOST_LENGTH = 512;

const NAMED = /^\$([A-Za-z_]\w*)/;
const BRACED = /^\$\{([A-Za-z_]\w*)(:?[-+?])?/;

/** `closed` is where the last brace closes. */
function readReference(text: string, at: number, closed: number) {
  const rest = text.slice(at, at + MOST_LENGTH);
  const named = NAMED.exec(rest);
  if (named) return { name: named[1], operator: "", word: "", end: at + named[0].length };
  const braced = at < closed ? BRACED.exec(rest) : undefined;
  if (!braced) return undefined;
  const [start, name, operator = ""] = braced;
  let open = 1;
  for (let end = start.length; end < rest.length; end++) {
    if (rest.startsWith("${", end)) open++;
    if (rest[end] === "}" && --open === 0) {
      return { name, operator, word: rest.slice(start.length, end), end: at + end + 1 };
    }
  }
}
