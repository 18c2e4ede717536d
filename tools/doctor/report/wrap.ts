/** Columns of a terminal that nobody widened for this. */
const WIDTH = 100;

/**
 * The text in lines of at most 100 columns, broken between words; a word that is longer stands
 * whole. The first line begins at column `first`, the others are set in by `rest`.
 */
export function wrap(text: string, { first = 0, rest = 0 } = {}): string {
  const lines: string[] = [];
  let line = "";
  let room = WIDTH - first;
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    if (line && line.length + 1 + word.length > room) {
      lines.push(line);
      [line, room] = [word, WIDTH - rest];
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].join(`\n${" ".repeat(rest)}`);
}
