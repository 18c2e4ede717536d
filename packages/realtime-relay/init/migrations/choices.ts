import { UsageError } from "../../problem.ts";

/** What `--with` may bring. */
export type Choice = "history" | "revoke" | "demo";

const ALL: readonly Choice[] = ["history", "revoke", "demo"];

/** The migrations by their names, in the order in which they were written and are applied. */
const OWN: readonly (readonly [Choice, readonly string[]])[] = [
  ["demo", [
    ...["short_links", "url_clicks", "open_short_link", "link_stats", "publish_url_clicks"],
    ...["broadcast_url_clicks", "link_stats_ids", "few_clicks_at_once", "bound_short_links"],
  ]],
  ["history", ["missed_messages", "row_broadcasts"]],
  ["revoke", ["end_sessions", "left_open"]],
  ["demo", ["held_slugs"]],
  ["history", ["crowded_channels"]],
];

/** Workers read back which sessions ended, by what history brings. */
const NEEDS: Partial<Record<Choice, Choice>> = { revoke: "history" };

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
  OWN.flatMap(([choice, names]) => choices.has(choice) ? names : []);

/** The choices that a project has taken, as the names of its migrations say. */
export const choicesOf = (names: readonly string[]): Set<Choice> =>
  new Set(
    OWN.filter(([, own]) => own.some((name) => names.includes(name))).map(([choice]) => choice),
  );
