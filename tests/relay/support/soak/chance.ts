/** Choices of a crowd, from numbers between 0 and 1. */
export class Chance {
  constructor(readonly next: () => number) {}

  /** True with this probability. */
  is(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number below this. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Around a mean, at most four times that: who has lived long does not end the sooner. */
  about(mean: number): number {
    return Math.min(4, -Math.log(1 - this.next())) * mean;
  }

  /** One of the keys, by their weights. */
  pick<Key extends string>(weights: Record<Key, number>): Key {
    const keys = Object.keys(weights) as Key[];
    let left = this.next() * keys.reduce((sum, key) => sum + weights[key], 0);
    return keys.find((key) => (left -= weights[key]) < 0) ?? keys[0];
  }
}
