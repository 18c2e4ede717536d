/**
 * Takes one event of the stack. `part` names who speaks, `event` what happened; neither a token nor a
 * key is ever in a line.
 */
export type Log = (line: Record<string, unknown>) => void;

/** What whatever was thrown says, in one text. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
