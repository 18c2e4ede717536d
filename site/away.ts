/** Messages tell of clicks alone: who was away for so long is shown the links as they are now. */
const AWAY_MS = 60_000;

/** Tells when somebody looks again at a page that was hidden, or cut off, for long. */
export class Away {
  #since: number | undefined;

  constructor(readonly back: () => void) {}

  /** To be called when the page is hidden or shown, and when its connection changes. */
  look(isHere: boolean, now: number): void {
    const since = this.#since ?? now;
    this.#since = isHere ? undefined : since;
    if (isHere && now - since > AWAY_MS) this.back();
  }
}
