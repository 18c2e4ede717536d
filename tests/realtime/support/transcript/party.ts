/** One socket of a conversation, from its opening to its closing. */
import type { Expected } from "./compare.ts";
import type { RawSocket } from "./raw_socket.ts";
import type { Frame } from "./steps.ts";
import { Witness } from "./witness.ts";

let proofs = 0;

export class Party {
  readonly expected: Expected[] = [];
  /** Frames were sent that nothing has been seen of. */
  unproven = false;
  #heard?: Frame[];

  /** `isBusy`: it gets no answer to a heartbeat in time. */
  constructor(
    readonly name: string,
    readonly socket: RawSocket,
    readonly vsn: string,
    readonly isBusy: boolean,
  ) {}

  /** What it received, until it stopped listening, without what proves silence. */
  get heard(): Frame[] {
    return this.#heard ??
      this.socket.frames.filter((frame) => !frame.includes('"proof:') && !Witness.isMeant(frame));
  }

  get isListening(): boolean {
    return this.#heard === undefined;
  }

  get hasAll(): boolean {
    return this.heard.length >= this.expected.length;
  }

  get isOpen(): boolean {
    return this.socket.end === undefined;
  }

  /** Listens no more: what comes from now on counts no more. */
  stopListening() {
    this.#heard = this.heard;
  }

  send(frame: Frame): Promise<void> {
    this.unproven = !this.isBusy;
    return this.socket.send(frame);
  }

  /** Sends a heartbeat; `isAnswered` is true when all that was sent before has been handled. */
  async heartbeat(): Promise<{ isAnswered: () => boolean }> {
    const ref = `proof:${++proofs}`;
    await this.socket.send(
      this.vsn === "2.0.0"
        ? JSON.stringify([null, ref, "phoenix", "heartbeat", {}])
        : JSON.stringify({ topic: "phoenix", event: "heartbeat", payload: {}, ref }),
    );
    return { isAnswered: () => this.socket.frames.some((frame) => frame.includes(`"${ref}"`)) };
  }
}
