/** REST that did not answer is asked again after this time, for as long as the page is open. */
const AGAIN_MS = 5000;

/** Told how a reading went. */
export interface ReadingEvents<T> {
  /** What is read; rejects where that fails. */
  read(): Promise<T>;
  done(read: T): void;
  /** It is tried again by itself. */
  failed(error: unknown): void;
}

/** Reads one at a time; whoever asks meanwhile gets another reading after it, since it may be late. */
export class Reading<T> {
  #under = false;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly events: ReadingEvents<T>) {}

  /** Reads as soon as it can. Never rejects. */
  async start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#again = this.#under;
    if (this.#under) return;
    this.#under = true;
    try {
      this.events.done(await this.events.read());
    } catch (error) {
      this.#timer = setTimeout(() => this.start(), AGAIN_MS);
      this.events.failed(error);
    }
    this.#under = false;
    if (this.#again) await this.start();
  }
}
