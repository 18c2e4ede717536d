import { type Message, sizeOf } from "./frames.ts";
import { type Network, RelayEnd } from "./relay_end.ts";

/** What the other end of a dialled socket does. */
export interface Far {
  readonly url: URL;
  /** The relay has handed this over. */
  handed(message: Message): void;
  /** It arrives. */
  receive(message: Message): void;
  /** What it has said is at the relay. */
  arrived(message: Message): void;
  /** The relay's close frame arrives. */
  hungUp(): void;
}

/** How long either way takes, in milliseconds. */
export interface Latency {
  up: number;
  down: number;
}

/** The relay's end of a socket to Realtime, with a wire between that keeps the order. */
export class UpstreamEnd extends RelayEnd {
  far!: Far;
  /** Nothing passes, and nothing is lost yet. */
  isStalled = false;
  readonly #up: (() => void)[] = [];
  readonly #down: (() => void)[] = [];
  #upFrom = 0;
  #downFrom = 0;

  constructor(network: Network, readonly latency: Latency) {
    super(network, false);
  }

  /** Realtime says this. */
  say(message: Message): void {
    this.#onItsWay("down", () => this.network.time.arrive(() => this.#arrived(message)));
  }

  /** Realtime closes the socket. */
  hangUp(code: number, reason = ""): void {
    this.#onItsWay("down", () => this.end(code, reason));
  }

  stall(isStalled: boolean): void {
    this.isStalled = isStalled;
    if (isStalled) return;
    for (const work of [...this.#up.splice(0), ...this.#down.splice(0)]) {
      if (this.readyState !== 3) work();
    }
  }

  protected override sent(message: Message): void {
    const size = sizeOf(message);
    this.far.handed(message);
    // What the network has taken is out of the worker's memory.
    this.#when(1, this.#up, () => this.network.time.arrive(() => this.release(size)));
    this.#onItsWay("up", () => this.far.receive(message));
  }

  protected override told(code: number, reason: string, wasOpen: boolean): void {
    if (!wasOpen) return this.network.time.after(1, () => this.end(1006));
    this.#onItsWay("up", () => {
      this.far.hungUp();
      this.#onItsWay("down", () => this.end(code, reason));
    });
  }

  #arrived(message: Message): void {
    this.far.arrived(message);
    this.receive(message);
  }

  #onItsWay(way: "up" | "down", work: () => void): void {
    const { now } = this.network.time;
    const at = now + this.latency[way];
    const arrives = way === "up"
      ? this.#upFrom = Math.max(at, this.#upFrom)
      : this.#downFrom = Math.max(at, this.#downFrom);
    this.#when(arrives - now, way === "up" ? this.#up : this.#down, work);
  }

  /** Later, and later still where nothing passes by then. */
  #when(ms: number, queue: (() => void)[], work: () => void): void {
    this.network.time.after(ms, () => {
      if (this.isStalled) queue.push(work);
      else if (this.readyState !== 3) work();
    });
  }
}
