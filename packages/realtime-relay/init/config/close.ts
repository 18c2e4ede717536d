import { isDeepStrictEqual } from "node:util";
import { endOfLine, startOfEnd } from "./lines.ts";
import { MARK, TABLE } from "./open.ts";
import { findPairs } from "./pairs.ts";
import { parseConfig } from "./parse.ts";

/**
 * Takes out what openRelay() put in, so that the text is byte for byte what it was, with what was
 * written elsewhere in it since. The same text where nothing of it is there.
 */
export function closeRelay(text: string): string {
  parseConfig(text);
  const { pairs } = findPairs(text);
  const path = ["functions", "relay", "verify_jwt"];
  const pair = pairs.find((pair) => isDeepStrictEqual(pair.path, path));
  if (!pair) return text;
  const { content } = endOfLine(text, pair.end);
  const rest = text.slice(pair.end, content);
  const was = `${MARK}: was `;
  if (rest.startsWith(was)) {
    return text.slice(0, pair.valueStart) + text.slice(pair.end + was.length);
  }
  if (rest !== MARK) return text;
  const isAlone = pairs.filter(({ header }) => header === pair.header).length === 1;
  const start = isAlone ? startOfTable(text, content) : undefined;
  return start === undefined ? cutLine(text, pair.start) : cutTable(text, start, content);
}

/** Where the whole table begins that ends here, as long as it is as it was written. */
function startOfTable(text: string, end: number): number | undefined {
  for (const eol of ["\n", "\r\n"]) {
    const table = TABLE.join(eol);
    if (text.slice(0, end).endsWith(table)) return end - table.length;
  }
}

/** Takes out lines and the blank one before; where they end the text, so did what came before them. */
function cutTable(text: string, start: number, end: number): string {
  const { next } = endOfLine(text, end);
  let from = start;
  if (next === end) from = startOfEnd(text, from);
  const blank = startOfEnd(text, from);
  const isBlank = blank === 0 || text[blank - 1] === "\n" || next === end;
  return text.slice(0, isBlank ? blank : from) + text.slice(next);
}

function cutLine(text: string, start: number): string {
  const { content, next } = endOfLine(text, start);
  return text.slice(0, next === content ? startOfEnd(text, start) : start) + text.slice(next);
}
