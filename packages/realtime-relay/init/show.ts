import type { Change, Plan } from "./change.ts";
import { diffOf } from "./diff.ts";

/** The plan as a list: what is done to each file. */
export function listOf({ changes, left }: Plan): string {
  const rows = [
    ...changes.map((change) => [verbOf(change), change.path]),
    ...left.map(({ path }) => ["leave", `${path}, which was changed since; --force takes it over`]),
  ];
  return rows.map(([verb, what]) => `  ${verb.padEnd(9)} ${what}`).join("\n");
}

/** The plan as diffs: of its changes, then of what is left. */
export function diffsOf({ changes, left }: Plan): string {
  const theirs = left.map((change) => `# Left alone; --force would do this:\n${diffOf(change)}`);
  return [...changes.map(diffOf), ...theirs].join("");
}

function verbOf({ before, after, overwrites }: Change): string {
  if (overwrites) return after === undefined ? "delete" : "overwrite";
  if (before === undefined) return "add";
  return after === undefined ? "delete" : "change";
}

/** Lines of a text, moved to the right. */
export const indented = (text: string): string => text.replace(/^(?=.)/gm, "  ");
