import { createTwoFilesPatch } from "diff";
import type { Change } from "./change.ts";

/** A file of more lines is told by their number: nobody reads the whole function here. */
const MOST_LINES = 400;

/** The change as a unified diff, which `patch` and `git apply` read; of long ones their sizes. */
export function diffOf({ path, before, after }: Change): string {
  const [from, to] = [
    before === undefined ? "/dev/null" : `a/${path}`,
    after === undefined ? "/dev/null" : `b/${path}`,
  ];
  const lines = Math.max(...[before, after].map((text) => text?.split("\n").length ?? 0));
  if (lines > MOST_LINES && (before === undefined || after === undefined)) {
    return `--- ${from}\n+++ ${to}\n# ${lines} lines, not shown\n`;
  }
  const patch = createTwoFilesPatch(from, to, before ?? "", after ?? "", "", "", { context: 3 });
  const shown = patch.replace(/^=+\n/, "").replace(/^(---|\+\+\+) (.*?)\t?$/gm, "$1 $2");
  const count = shown.split("\n").length;
  return count > MOST_LINES ? `--- ${from}\n+++ ${to}\n# ${count} lines, not shown\n` : shown;
}
