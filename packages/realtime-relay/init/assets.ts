/** What init writes, as the package brings it: each with its stamp. */
export interface Assets {
  version: string;
  /** The function's files, by their names in its folder. */
  functionFiles: ReadonlyMap<string, string>;
  /** Migrations by their names without a number, such as `missed_messages`. */
  migrations: ReadonlyMap<string, string>;
  changelog: string;
}
