/** What the database says of a batch: who sees which change, and what an error kept from whom. */
import type postgres from "postgres";
import type { Change } from "../log/pgoutput.ts";
import type { Variant } from "./question.ts";

/** A change as some groups see it. All texts are JSON as Postgres prints it. */
export interface Sight {
  change: Change;
  groups: number[];
  record: string | null;
  oldRecord: string | null;
  columns: string;
  errors: string | null;
  /** There is a change, and these groups may not know more of it. */
  refused: boolean;
}

/** What an error kept from some groups. */
export interface Failure {
  change: Change;
  groups: number[];
  code: string;
  message: string;
}

export interface Verdict {
  /** In the order of the changes; of one change those of all columns first. */
  sights: Sight[];
  failures: Failure[];
}

/** Reads the rows of local_realtime.visible, which name changes and variants by number. */
export function readVerdict(rows: postgres.Row[], changes: Change[], variants: Variant[]): Verdict {
  const rank = (row: postgres.Row) => JSON.stringify(variants[row.variant]?.select) ?? "";
  const inOrder = rows.map((row) => ({ row, rank: rank(row) })).sort((a, b) =>
    a.row.n - b.row.n || byRank(a.rank, b.rank)
  );
  const sights: Sight[] = [];
  const failures: Failure[] = [];
  for (const { row } of inOrder) {
    const { groups, record, columns, errors, refused } = row;
    const change = changes[row.n];
    if (row.failure === null) {
      sights.push({ change, groups, record, oldRecord: row.old_record, columns, errors, refused });
    } else {
      const [code, ...words] = row.failure.split(" ");
      failures.push({ change, groups, code, message: words.join(" ") });
    }
  }
  return { sights, failures };
}

/** All columns (null) come before any choice of them. */
function byRank(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "null" || b === "null") return a === "null" ? -1 : 1;
  return a < b ? -1 : 1;
}
