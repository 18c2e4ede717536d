/** How far back a sparkline looks, and into how many parts that is cut. */
export const MINUTES = 10;
export const BARS = 30;

const BAR_MS = MINUTES * 60_000 / BARS;

/**
 * Clicks in each part of the last minutes, the newest last. Parts begin at fixed times of the clock,
 * so that a click stays in its part while time goes on.
 */
export function buckets(times: Iterable<number>, now: number): number[] {
  const counts = new Array<number>(BARS).fill(0);
  const last = Math.floor(now / BAR_MS);
  for (const time of times) {
    // A server's clock may be ahead of this one.
    const index = BARS - 1 - (last - Math.min(last, Math.floor(time / BAR_MS)));
    if (index >= 0) counts[index]++;
  }
  return counts;
}

/**
 * One upright bar for each count as an SVG path in a box of this size, scaled to the largest count
 * but never to less than `atLeast`, so that one click is no mountain. A count of 0 is no bar.
 */
export function barPath(counts: number[], width: number, height: number, atLeast = 4): string {
  const top = Math.max(atLeast, ...counts);
  const step = width / counts.length;
  return counts.map((count, index) =>
    count && `M${round((index + 0.5) * step)} ${height}V${round(height - count / top * height)}`
  ).filter(Boolean).join("");
}

const round = (value: number) => Math.round(value * 10) / 10;
