import type { Click } from "./feed.ts";
import { type Counts, Faults } from "./faults.ts";
import type { Stage } from "./stage.ts";
import type { Viewer } from "./viewer.ts";
import { inTime } from "../in_time.ts";
import { readClicks, writeClicks } from "./writers.ts";

export interface RunOptions {
  stage: Stage;
  slugs: string[];
  /** Must all come back from each fault. */
  viewers: Viewer[];
  /** Runs beside them, for comparison. Where it stays away it is waited for no more. */
  yardstick: Viewer;
  /** At least: where a recovery takes long, rows are inserted until the last fault has come. */
  rows: number;
  counts: Counts;
  seed: number;
}

/** Fails a run that stands still: on a full machine half a minute's backoff may come twice. */
const RECOVERY_MS = 180_000;

/** supabase-js alone takes up to a minute to come back. */
const AWAY_MS = 90_000;

/**
 * Inserts the rows while things break, and returns them when every viewer has shown, by a later row
 * of each link, that nothing more is to come.
 */
export async function run(options: RunOptions): Promise<Click[]> {
  const { stage: { host, proxy, stack, sql }, slugs, viewers, yardstick, rows, counts, seed } =
    options;
  let isAway = false;
  const recovery = async (id: number) => {
    const away = isAway ? undefined : comesBack(yardstick, id, AWAY_MS).catch(() => {
      isAway = true;
      console.log(`${yardstick.name} did not come back from a fault before row ${id}`);
    });
    await Promise.all([...viewers.map((viewer) => comesBack(viewer, id)), away]);
  };
  const restartRealtime = () => stack.restartRealtime();
  const crashPostgres = () => stack.crashPostgres();
  const stage = { host, proxy, restartRealtime, crashPostgres };
  const faults = new Faults({ counts, seed, rows, recovery, stage });
  let total = 0;
  let isOver = false;
  const seen = Promise.withResolvers<unknown>();
  const written = writeClicks({
    ...{ databaseUrl: stack.info.DB_URL, slugs, seed },
    onInsert(count, id) {
      faults.onInsert(count, id);
      if (total > 0 || count < rows || faults.left > 0) return;
      total = count;
      seen.resolve(faults.recovered.then(() => recovery(faults.newest)));
    },
    isCalm: () => total > 0 || faults.needCalm,
    isOver: () => isOver,
  });
  await Promise.race([seen.promise, faults.failed]).finally(() => isOver = true);
  await written;
  return (await readClicks(sql)).slice(0, total);
}

/** Resolves when each channel of the viewer gave rows with ids above this. */
async function comesBack(viewer: Viewer, id: number, ms = RECOVERY_MS): Promise<void> {
  const { name, rows, broadcasts } = viewer;
  const back = [rows, ...broadcasts].map((feed) => feed.beyond(id));
  await inTime(Promise.all(back), `${name} sees rows after ${id}`, ms);
}
