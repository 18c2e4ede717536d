/** The event loop is looked at this often. */
const WATCH_MS = 5;

/**
 * Watches for how long the machine leaves this process without CPU: what happens meanwhile seems to
 * happen at once. `onPause` is told each pause, in ms, that is longer than all before. Returns what
 * ends it.
 */
export function watchPauses(onPause: (ms: number) => void): () => void {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    const pause = now - last - WATCH_MS;
    last = now;
    if (pause > longest + 1) onPause(longest = pause);
  }, WATCH_MS);
  return () => clearInterval(timer);
}
