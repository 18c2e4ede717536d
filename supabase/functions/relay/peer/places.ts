/**
 * What a socket that has a place is doing. `waiting`: a public key opened it, and nobody has been named
 * yet; `refused`: it waits for its close, and then for its end.
 */
export type Stage = "waiting" | "dialling" | "open" | "closing" | "refused";

/**
 * How many sockets a worker has. A peer that does not answer its close keeps its connection, and so
 * its place, for as long as the runtime does: what counted closes that were asked for would let such
 * peers fill a worker unseen.
 */
export class Places {
  readonly counts: Record<Stage, number> = {
    ...{ waiting: 0, dialling: 0, open: 0, closing: 0, refused: 0 },
  };

  /** Those of clients that were let in, or are about to be. */
  get admitted(): number {
    const { dialling, open, closing } = this.counts;
    return dialling + open + closing;
  }

  /** `onLeave` is called when the place is given back. */
  take(stage: Stage, onLeave?: () => void): Place {
    this.counts[stage]++;
    return new Place(this.counts, stage, onLeave);
  }
}

/** A socket's place in a worker, from before its upgrade until the runtime tells that it is gone. */
export class Place {
  #stage: Stage | undefined;

  constructor(
    readonly counts: Record<Stage, number>,
    stage: Stage,
    readonly onLeave: (() => void) | undefined,
  ) {
    this.#stage = stage;
  }

  get isTaken(): boolean {
    return this.#stage !== undefined;
  }

  become(stage: Stage): void {
    if (!this.#stage) return;
    this.counts[this.#stage]--;
    this.counts[this.#stage = stage]++;
  }

  /** Gives it back; a second time does nothing. */
  leave(): void {
    if (!this.#stage) return;
    this.counts[this.#stage]--;
    this.#stage = undefined;
    this.onLeave?.();
  }
}
