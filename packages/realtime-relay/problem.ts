/** What stands in the way, in sentences to show: what is wrong, and what to do. The command ends with 1. */
export class Problem extends Error {
  override readonly name = "Problem";
}

/** The command was called in a way that it does not know. It ends with 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
