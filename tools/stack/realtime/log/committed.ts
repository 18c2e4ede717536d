/** Waits for transactions that are in the log already to be visible to a query as well. */
import type postgres from "postgres";

/** A commit is usually visible at the first look, a moment after it is logged. */
const WAIT_MS = { first: 1, most: 100 };

/**
 * Settles when others see what these transactions wrote. A commit is read from the log as soon as it
 * is flushed; its backend leaves the list of running transactions a little later, or much later where
 * it waits for a synchronous standby. Who looked for a row in between would not find it, and nobody
 * would be told. Later changes wait too: they come in the order of the log. Rejects with the
 * connection.
 */
export async function committed(sql: postgres.Sql, xids: number[]): Promise<void> {
  const distinct = [...new Set(xids)];
  let wait = WAIT_MS.first;
  while (!await areVisible(sql, distinct)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, WAIT_MS.most);
  }
}

/** The log has the lower half of a transaction's number; the upper is that of the last one begun. */
async function areVisible(sql: postgres.Sql, xids: number[]): Promise<boolean> {
  const [{ all_visible }] = await sql`
    with now as materialized (
      select s, pg_snapshot_xmax(s)::text::numeric as next from pg_current_snapshot() s
    )
    select bool_and(pg_visible_in_snapshot(
      (xid + (div(next, 4294967296) - (xid > mod(next, 4294967296))::int) * 4294967296)::text::xid8, s
    )) as all_visible
    from now, unnest(string_to_array(${xids.join()}, ',')) t, cast(t as numeric) xid
  `;
  return all_visible;
}
