import { isDeepStrictEqual } from "node:util";
import { Problem } from "../../problem.ts";
import { endOfLine } from "./lines.ts";
import { findPairs, type Header, type Pair } from "./pairs.ts";
import { parseConfig } from "./parse.ts";

/** Marks a line as written here, so that it can be taken out again. */
export const MARK = " # realtime-relay";

/** The table as it is added where there is none; its lines, without the ends. */
export const TABLE = [
  `[functions.relay]${MARK}`,
  "# The relay verifies every token itself. The gateway's check reads a header that browsers cannot",
  "# set on a WebSocket.",
  `verify_jwt = false${MARK}`,
];

const PATH = ["functions", "relay", "verify_jwt"];

/**
 * Lets requests through to the relay: `functions.relay.verify_jwt = false`. Every other byte stays.
 * What comes out is read again and must mean the same as before and this; else, and where the text is
 * no TOML, a Problem is thrown.
 */
export function openRelay(text: string): string {
  const before = parseConfig(text);
  if (before.functions?.relay?.verify_jwt === false) return text;
  const { headers, pairs } = findPairs(text);
  const pair = pairs.find(({ path }) => isDeepStrictEqual(path, PATH));
  const header = headers.find(({ path, isArray }) =>
    !isArray && isDeepStrictEqual(path, PATH.slice(0, 2))
  );
  const after = pair ? change(text, pair) : header ? addLine(text, header) : addTable(text);
  const wanted = structuredClone(before);
  wanted.functions = { ...wanted.functions };
  wanted.functions.relay = { ...wanted.functions.relay, verify_jwt: false };
  if (!means(after, wanted)) throw new Problem(BY_HAND);
  return after;
}

const BY_HAND =
  "supabase/config.toml says what functions are in a way that cannot be added to without writing it " +
  "anew. Put verify_jwt = false into functions.relay there by hand, and run it again.";

const change = (text: string, { valueStart, end }: Pair): string =>
  `${text.slice(0, valueStart)}false${MARK}: was ${text.slice(valueStart, end)}${text.slice(end)}`;

function addLine(text: string, header: Header): string {
  const { content, next } = endOfLine(text, header.end);
  const line = `verify_jwt = false${MARK}`;
  const eol = eolOf(text);
  if (next === content) return text + eol + line;
  return text.slice(0, next) + line + eol + text.slice(next);
}

/** At the end, behind a blank line; it ends as the text did, with the end of a line or without. */
function addTable(text: string): string {
  const eol = eolOf(text);
  const table = TABLE.join(eol);
  if (/^\uFEFF?$/.test(text)) return text + table + eol;
  return text.endsWith("\n") ? text + eol + table + eol : text + eol + eol + table;
}

/** How most lines of it end. */
function eolOf(text: string): string {
  const all = text.split("\n").length - 1;
  return text.split("\r\n").length - 1 > all / 2 ? "\r\n" : "\n";
}

function means(text: string, wanted: unknown): boolean {
  try {
    // Cloned as that was: parsers give tables without a prototype.
    return isDeepStrictEqual(structuredClone(parseConfig(text)), wanted);
  } catch {
    return false;
  }
}
