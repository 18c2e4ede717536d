/** What a command is given of the world. */
export interface World {
  /** The folder in which it was called. */
  cwd: string;
  /** The package's own folder. */
  home: URL;
  now: Date;
  out(text: string): void;
}

/** One word behind `realtime-relay`. */
export interface Command {
  /** What it does, for the list of all. */
  says: string;
  /** Returns the exit code. Throws a Problem or a UsageError, whose message is shown. */
  run(args: string[], world: World): number | Promise<number>;
}
