import { type Message, sizeOf } from "./frames.ts";
import { type Network, RelayEnd } from "./relay_end.ts";

/** Who sits at the other end. */
export interface Peer {
  /** Bytes a millisecond that it reads; Infinity reads what is there. */
  readonly pace: number;
  /** It never answers a close frame. */
  readonly isMute: boolean;
  /** The relay hands this over, which may take a while to arrive. */
  sent(message: Message): void;
  /** The relay closes its socket. */
  told(code: number, reason: string): void;
  /** Its socket is over. */
  gone(): void;
}

/** A close frame takes as long to be answered. */
const ANSWER_MS = 2;

/** The relay's end of a client's socket: what waits drains at the client's pace. */
export class ClientEnd extends RelayEnd {
  readonly #queue: number[] = [];
  #drainsAt: number | undefined;
  /** It has read everything, the close frame too. */
  #hasHeard = false;

  constructor(network: Network, readonly peer: Peer) {
    super(network, true);
  }

  protected override sent(message: Message): void {
    this.#queue.push(sizeOf(message));
    this.peer.sent(message);
    this.#drain();
  }

  protected override told(code: number, reason: string): void {
    this.peer.told(code, reason);
    this.#drain();
  }

  protected override ended(code: number, reason: string): void {
    if (this.readyState !== 3) this.peer.gone();
    super.ended(code, reason);
  }

  /** Its pace has changed. */
  resume(): void {
    this.#drainsAt = undefined;
    this.#drain();
  }

  /** Answers a close frame that it has read, however late. */
  answer(): void {
    if (this.readyState === 2 && this.#hasHeard) this.end(this.closing!.code, this.closing!.reason);
  }

  #drain(): void {
    if (this.#drainsAt !== undefined || this.peer.pace === 0 || this.readyState === 3) return;
    if (this.#queue.length === 0) return this.#read();
    const { time } = this.network;
    const wait = this.peer.pace === Infinity ? 1 : Math.ceil(this.#queue[0] / this.peer.pace);
    const at = this.#drainsAt = time.now + wait;
    time.after(wait, () => time.arrive(() => this.#drainsAt === at && this.#taken()));
  }

  #taken(): void {
    this.#drainsAt = undefined;
    if (this.readyState === 3) return;
    const count = this.peer.pace === Infinity ? this.#queue.length : 1;
    for (const size of this.#queue.splice(0, count)) this.release(size);
    this.#drain();
  }

  /** Nothing is before the close frame any more. */
  #read(): void {
    if (this.readyState !== 2 || this.#hasHeard) return;
    this.#hasHeard = true;
    if (!this.peer.isMute) this.network.time.after(ANSWER_MS, () => this.answer());
  }
}
