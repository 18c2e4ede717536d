/** The promise's value, or undefined once the time is over. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = afterTime(ms, () => resolve(undefined));
  return await Promise.race([promise, late]).finally(cancel);
}

/**
 * A machine that was asleep or busy runs a timer that is due before it reads what came meanwhile:
 * one more turn, or an answer that is there counts as none.
 */
const SECOND_LOOK_MS = 50;

/** Calls back once the time is over and what came by then is read. Returns what cancels it. */
export function afterTime(ms: number, work: () => void): () => void {
  let timer = setTimeout(() => timer = setTimeout(work, SECOND_LOOK_MS), ms);
  return () => clearTimeout(timer);
}
