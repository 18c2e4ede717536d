import { inTime } from "../../../support/in_time.ts";
import { type Counts, Faults } from "./faults.ts";
import type { Stage } from "./stage.ts";

/** Somebody who is waited for. */
export interface Watcher {
  name: string;
  /** Resolves when each of its feeds has given something that was written behind this number. */
  beyond(number: number): Promise<unknown>;
}

/** What writers are told, and tell. */
export interface Writing {
  /** To be called after each write, with how many there were and the newest one's number. */
  onWrite(count: number, number: number): void;
  /** Whether to write slowly now. */
  isCalm(): boolean;
  /** Postgres is being killed: what is under way then is enough, for who writes without pause. */
  isDown(): boolean;
  isOver(): boolean;
}

export interface RunOptions {
  stage: Stage;
  /** Must all come back from each fault. */
  viewers: Watcher[];
  /** Runs beside them, for comparison. Where it stays away it is waited for no more. */
  yardstick: Watcher;
  /** Writes until it is told that it is over. */
  write(writing: Writing): Promise<unknown>;
  /** At least: where a recovery takes long, rows are written until the last fault has come. */
  rows: number;
  counts: Counts;
  seed: number;
}

/** Fails a run that stands still: on a full machine half a minute's backoff may come twice. */
const RECOVERY_MS = 180_000;

/** supabase-js alone takes up to a minute to come back. */
const AWAY_MS = 90_000;

/**
 * Writes rows while things break. Returns how many every viewer has been given in any case: by a later
 * one in each of its feeds.
 */
export async function run(options: RunOptions): Promise<number> {
  const { stage: { host, proxy, stack }, viewers, yardstick, rows, counts, seed } = options;
  let isAway = false;
  const recovery = async (number: number) => {
    const away = isAway ? undefined : comesBack(yardstick, number, AWAY_MS).catch(() => {
      isAway = true;
      console.log(`${yardstick.name} did not come back from a fault before row ${number}`);
    });
    await Promise.all([...viewers.map((viewer) => comesBack(viewer, number)), away]);
  };
  const restartRealtime = () => stack.restartRealtime();
  let isDown = false;
  globalThis.addEventListener("error", passOverDeadWrite);
  const crashPostgres = async () => {
    isDown = true;
    await stack.crashPostgres().finally(() => isDown = false);
  };
  const stage = { host, proxy, restartRealtime, crashPostgres };
  const faults = new Faults({ counts, seed, rows, recovery, stage });
  let total = 0;
  let isOver = false;
  const seen = Promise.withResolvers<unknown>();
  const written = options.write({
    onWrite(count, number) {
      faults.onWrite(count, number);
      if (total > 0 || count < rows || faults.left > 0) return;
      total = count;
      seen.resolve(faults.recovered.then(() => recovery(faults.newest)));
    },
    isCalm: () => total > 0 || faults.needCalm,
    isDown: () => isDown,
    isOver: () => isOver,
  });
  await Promise.race([seen.promise, faults.failed]).finally(() => isOver = true);
  await written;
  globalThis.removeEventListener("error", passOverDeadWrite);
  return total;
}

/**
 * postgres.js 3.4.9 rolls a transaction back, REST's here, on the connection that Postgres has cut, and
 * throws where nobody can catch it. Whoever asked is told by themselves.
 */
function passOverDeadWrite(event: ErrorEvent): void {
  if (/\bnextWrite .*\/postgres\//.test(event.error?.stack)) event.preventDefault();
}

async function comesBack(watcher: Watcher, number: number, ms = RECOVERY_MS): Promise<void> {
  await inTime(watcher.beyond(number), `${watcher.name} sees rows after ${number}`, ms);
}
