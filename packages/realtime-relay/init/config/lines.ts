/** Where the line of a place ends: its content, and the line after it. Equal in the last line. */
export function endOfLine(text: string, at: number): { content: number; next: number } {
  const feed = text.indexOf("\n", at);
  if (feed < 0) return { content: text.length, next: text.length };
  return { content: text[feed - 1] === "\r" && feed > at ? feed - 1 : feed, next: feed + 1 };
}

/** Where the line before a place begins its own end: behind its content. */
export function startOfEnd(text: string, at: number): number {
  if (text[at - 1] !== "\n") return at;
  return text[at - 2] === "\r" ? at - 2 : at - 1;
}
