/** A file that is to be another: `before` is absent where it is added, `after` where it goes. */
export interface Change {
  /** Below the project's folder, with `/`. */
  path: string;
  before?: string;
  after?: string;
  /** Whether somebody's own changes are lost by it. */
  overwrites?: boolean;
}

/** What a command would do, and why it would not do more. */
export interface Plan {
  changes: Change[];
  /** What is left alone because somebody changed it; `--force` would do these too. */
  left: Change[];
  /** Sentences for the person, in order. */
  notes: string[];
}

export const emptyPlan = (): Plan => ({ changes: [], left: [], notes: [] });
