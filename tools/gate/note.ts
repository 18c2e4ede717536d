/** A line of the gate's last words, with more below it. */
export const note = (what: string, sentence: string, more: readonly string[] = []): string =>
  [what.padEnd(10) + sentence, ...more.map((line) => " ".repeat(12) + line)].join("\n");
