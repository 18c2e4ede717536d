/** Longer timers fire at once (HTML standard: the delay is a signed 32-bit number). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls `expire` when the clock has reached a time that may be moved. The timer is set again where
 * it fires before: a legacy key expires in ten years, and a clock may lag behind its timers.
 */
export function createDeadline(now: () => number, expire: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function set(at: number): void {
    clearTimeout(timer);
    timer = setTimeout(
      () => now() < at ? set(at) : expire(),
      Math.min(at - now(), MAX_TIMER_MS),
    );
  }
  return { set, clear: () => clearTimeout(timer) };
}
