/** The first wait may be this long: a worker that ended is replaced within a second. */
const FIRST_MS = 1_000;

/** A relay that is down for an hour is asked twice a minute by each client. */
const LAST_MS = 30_000;

/**
 * How long to wait before an attempt, in ms: somewhere between 0 and a bound that doubles from 1 s
 * to 30 s. The whole of it is jitter, since clients that lost the same worker come back together.
 */
export function backoff(attempt: number, random: number): number {
  return random * Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
}
