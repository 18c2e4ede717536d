import type { Click } from "./feed.ts";
import { type Counts, Faults } from "./faults.ts";
import type { Stage } from "./stage.ts";
import type { Viewer } from "./viewer.ts";
import { inTime } from "../in_time.ts";
import { readClicks, writeClicks } from "./writers.ts";

export interface RunOptions {
  stage: Stage;
  slugs: string[];
  viewers: Viewer[];
  rows: number;
  counts: Counts;
  seed: number;
}

/** Fails a run that stands still; a viewer on supabase-js alone takes up to a minute to return. */
const RECOVERY_MS = 90_000;
/**
 * Inserts the rows while things break, and returns them when every viewer has shown, by a later row
 * of each link, that nothing more is to come.
 */
export async function run(options: RunOptions): Promise<Click[]> {
  const { stage: { host, proxy, stack, sql }, slugs, viewers, rows, counts, seed } = options;
  const feeds = viewers.flatMap((viewer) => [viewer.rows, ...viewer.broadcasts]);
  const recovery = (id: number) => {
    const beyond = Promise.all(feeds.map((feed) => feed.beyond(id)));
    return inTime(beyond, `all viewers see rows after ${id}`, RECOVERY_MS);
  };
  const restartRealtime = () => stack.restartRealtime();
  const crashPostgres = () => stack.crashPostgres();
  const stage = { host, proxy, restartRealtime, crashPostgres };
  const faults = new Faults({ counts, seed, rows, recovery, stage });
  let isFull = false;
  let isOver = false;
  const seen = Promise.withResolvers<unknown>();
  const written = writeClicks({
    ...{ databaseUrl: stack.info.DB_URL, slugs, seed },
    onInsert(count, id) {
      faults.onInsert(count, id);
      if (count !== rows) return;
      isFull = true;
      seen.resolve(faults.ended().then(() => recovery(faults.newest)));
    },
    isCalm: () => isFull || faults.needCalm,
    isOver: () => isOver,
  });
  await Promise.race([seen.promise, faults.failed]).finally(() => isOver = true);
  await written;
  return (await readClicks(sql)).slice(0, rows);
}
