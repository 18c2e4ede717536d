/** Longer timers fire at once (HTML standard: the delay is a signed 32-bit number). */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls `expire` when the clock passes a time that may be moved. A legacy key expires in ten years,
 * so the timer is set again where one is not enough.
 */
export function createDeadline(now: () => number, expire: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  function set(at: number): void {
    clearTimeout(timer);
    const left = at - now();
    timer = setTimeout(
      () => left > MAX_TIMER_MS ? set(at) : expire(),
      Math.min(left, MAX_TIMER_MS),
    );
  }
  return { set, clear: () => clearTimeout(timer) };
}
