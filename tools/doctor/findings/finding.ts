import type { Topic } from "../fixes/fixes.ts";

/** `warning`: nothing is broken by it. */
export type Severity = "failed" | "warning";

/** What else is known of a finding. `Id` is what other findings are called. */
export interface More<Id = string> {
  /**
   * What follows from it: where both were found, the other is told as its symptom, and neither
   * counted nor advised on.
   */
  explains?: readonly Id[];
  /** Which lines of a proxy's configuration mend it. */
  lines?: Topic;
  /** Lines that mend it where a proxy's do not, or where no proxy is known. */
  settings?: string;
}

/** id -> how bad, what it is in a sentence, what to do about it. */
export type Rows<Id = string> = Record<
  string,
  readonly [severity: Severity, says: string, fix: string, more?: More<Id>]
>;
