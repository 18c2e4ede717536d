import type { Failure } from "./attempt.ts";

/** A statement that the database lacks. */
export interface LeftOut {
  /** Below the project's `supabase` folder. */
  file: string;
  line: number;
  message: string;
}

/** More would push what comes first off the screen; most that follow are about the same things. */
const MOST = 20;

export function tellOf(file: string, failures: Failure[]): LeftOut[] {
  return failures.map(({ line, message }) => ({ file, line, message }));
}

/** `migrations/1_a.sql:5: type "vector" does not exist (42704).`, a line each; of many the first. */
export function tell(all: LeftOut[]): string[] {
  const lines = all.slice(0, MOST).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  return all.length > MOST ? [...lines, `and ${all.length - MOST} more.`] : lines;
}
