import { UsageError } from "../../problem.ts";

/** What `--with` may bring. */
export type Choice = "history" | "revoke" | "demo";

/** Each choice's migrations, by their names, in the order in which they are applied. */
const OWN: Record<Choice, readonly string[]> = {
  demo: [
    ...["short_links", "url_clicks", "open_short_link", "link_stats", "publish_url_clicks"],
    ...["broadcast_url_clicks", "link_stats_ids", "few_clicks_at_once", "bound_short_links"],
  ],
  history: ["missed_messages", "row_broadcasts"],
  revoke: ["end_sessions", "left_open"],
};

/** Workers read back which sessions ended, by what history brings. */
const NEEDS: Partial<Record<Choice, Choice>> = { revoke: "history" };

const ALL = Object.keys(OWN) as Choice[];

/** Reads `history,revoke`. Throws a UsageError for other words. */
export function readChoices(text: string): Set<Choice> {
  const words = text.split(",").map((word) => word.trim()).filter(Boolean);
  const wrong = words.filter((word) => !ALL.includes(word as Choice));
  if (wrong.length > 0) {
    throw new UsageError(`--with knows history, revoke and demo, not ${wrong.join(", ")}.`);
  }
  const chosen = words as Choice[];
  return new Set(chosen.flatMap((choice) => [choice, ...[NEEDS[choice] ?? []].flat()]));
}

/** The names of all migrations of these choices, in order. */
export const migrationsOf = (choices: ReadonlySet<Choice>): string[] =>
  ALL.filter((choice) => choices.has(choice)).flatMap((choice) => OWN[choice]);

/** The choices that a project has taken, as the names of its migrations say. */
export const choicesOf = (names: readonly string[]): Set<Choice> =>
  new Set(ALL.filter((choice) => OWN[choice].some((name) => names.includes(name))));
