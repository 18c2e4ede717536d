/** Who has something to hand over when a turn ends. */
export interface Ending {
  endTurn(): void;
  /** endTurn() has thrown. */
  failTurn(error: unknown): void;
}

/**
 * So many microtasks without a further frame, and all is here that a socket had read. Deno hands over
 * what lies in one read with two between frames at most; `ws` on Node with none.
 */
const QUIET = 8;

/** A turn ends after so many frames though more are there: whoever waits is not to wait for ever. */
const MOST = 1_024;

/**
 * The time from the first frame that waits until all that has arrived with it is here. No timer and no
 * event of the runtime's lies between, so a single frame goes on within some microseconds; where the
 * worker was busy, what came meanwhile goes on together. First those end who have frames for many
 * clients, then the clients, so that each is sent one message.
 */
export class Turn {
  #many: Ending[] = [];
  #clients: Ending[] = [];
  #isWaiting = false;
  #isEnding = false;
  /** Microtasks that are left while nothing comes. */
  #left = 0;
  #frames = 0;

  /** One who has frames for many clients; to be named once a turn. */
  addMany(it: Ending): void {
    this.#many.push(it);
  }

  /** One who sends to a client; to be named once a turn. */
  addClient(it: Ending): void {
    this.#clients.push(it);
  }

  /** A frame has come that waits for the end. */
  note(): void {
    this.#left = QUIET;
    this.#frames++;
    if (this.#isWaiting || this.#isEnding) return;
    this.#isWaiting = true;
    queueMicrotask(this.#look);
  }

  /** Ends it now: what happens next is to come after what has come before. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#frames = 0;
    try {
      while (this.#many.length + this.#clients.length > 0) {
        const many = this.#many;
        this.#many = [];
        many.forEach(endOne);
        const clients = this.#clients;
        this.#clients = [];
        clients.forEach(endOne);
      }
    } finally {
      this.#isEnding = false;
    }
  }

  readonly #look = (): void => {
    if (this.#left-- > 0 && this.#frames < MOST) return queueMicrotask(this.#look);
    this.#isWaiting = false;
    this.end();
  };
}

/** Thrown further it would end the worker. */
function endOne(it: Ending): void {
  try {
    it.endTurn();
  } catch (error) {
    it.failTurn(error);
  }
}
