/** A command of a page, and the lines that it says. */
export interface Command {
  command: string;
  says: string[];
}

/** What a section of a page has people do, in its order: a file to write, or commands to run. */
export type Part = { file: string; text: string } | { commands: Command[] };

/**
 * Reads a section: a block of code behind a line that ends in a file's name is that file, one with `$`
 * is commands with what they say.
 */
export function readTranscript(page: string, heading: string): Part[] {
  const [, section] = page.split(`\n## ${heading}\n`);
  const text = section.split("\n## ")[0];
  const blocks = text.matchAll(/([^\n]*)\n\n```(\w*)\n([^]*?)\n```/g);
  return [...blocks].map(([, before, , code]) => {
    if (code.startsWith("$ ")) return { commands: readCommands(code) };
    const [, file] = /`([^`]+)`:$/.exec(before)!;
    return { file, text: `${code}\n` };
  });
}

const readCommands = (code: string): Command[] =>
  code.split(/^\$ /m).slice(1).map((text) => {
    const [command, ...says] = text.trimEnd().split("\n");
    return { command, says };
  });

/**
 * The first line of a page that a program did not say, in the page's order; undefined where it said
 * all. A line may say more between, `…` is anything, and a port is any port.
 */
export function notSaid(wanted: string[], said: string[]): string | undefined {
  let at = 0;
  return wanted.filter((line) => line !== "…").find((line) => {
    const found = said.findIndex((it, n) => n >= at && patternOf(line).test(it));
    at = found + 1;
    return found < 0;
  });
}

const patternOf = (line: string) =>
  new RegExp(
    `^${
      line.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*")
        .replaceAll(/(127\\\.0\\\.0\\\.1):\d+/g, "$1:\\d+")
    }$`,
  );
