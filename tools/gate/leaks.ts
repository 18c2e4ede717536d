const SECRET =
  /(?:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{16,})[\w.-]*/g;

/** The lines of an output that hold a token or a key, with their numbers and without the secrets. */
export function leaksIn(output: string): string[] {
  return output.split("\n").flatMap((line, n) => {
    const told = line.replace(SECRET, (secret) => `(${secret.length} characters)`);
    return told === line ? [] : [`line ${n + 1}: ${told}`];
  });
}
