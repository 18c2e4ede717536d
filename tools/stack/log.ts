/**
 * Takes one event of the stack. `part` names who speaks, `event` what happened; neither a token nor a
 * key is ever in a line.
 */
export type Log = (line: Record<string, unknown>) => void;
