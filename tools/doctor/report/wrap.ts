/** Columns that a line has at most: longer ones are hard to read. */
const MOST = 100;
/** Of fewer columns no column of a report is left. */
const LEAST = 40;

/** Of a terminal with so many columns; undefined or 0 where nobody knows. */
export const widthOf = (columns: number | undefined): number =>
  Math.min(MOST, Math.max(LEAST, columns || MOST));

/**
 * The text in lines of at most `width` columns, broken between words; a word that is longer stands
 * whole. The first line begins at column `first`, the others are set in by `rest`.
 */
export function wrap(text: string, { first = 0, rest = 0, width = MOST } = {}): string {
  const lines: string[] = [];
  let line = "";
  let room = width - first;
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      [line, room] = [word, width - rest];
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join(`\n${" ".repeat(rest)}`);
}
