/** Generous: it fails a test that would hang, and decides nothing else. */
const DEADLINE_MS = 30_000;

/** Rejects with the sentence where the promise has not settled by the deadline. */
export async function inTime<T>(promise: Promise<T>, what: string, ms = DEADLINE_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited in vain: ${what}`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
