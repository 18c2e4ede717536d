/** The value below which this share, from 0 to 1, of the samples lies. NaN where there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined ? NaN : low + (high - low) * (at - Math.floor(at));
}

export const median = (samples: readonly number[]) => quantile(samples, 0.5);

/** Several measurements of one thing: half of them lie between `low` and `high`, the quartiles. */
export interface Figure {
  median: number;
  low: number;
  high: number;
  rounds: number;
}

export function figureOf(samples: readonly number[]): Figure {
  return {
    median: median(samples),
    low: quantile(samples, 0.25),
    high: quantile(samples, 0.75),
    rounds: samples.length,
  };
}
