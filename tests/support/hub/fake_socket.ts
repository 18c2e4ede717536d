import type { Message, Socket } from "../../../supabase/functions/relay/runtime.ts";

/** One end of a WebSocket without a network: what is sent to it goes to `onSent`. */
export class FakeSocket extends EventTarget implements Socket {
  binaryType: BinaryType = "arraybuffer";
  readyState: 0 | 1 | 2 | 3 = 0;
  bufferedAmount = 0;
  closedWith: { code: number; reason: string } | undefined;
  /** What was sent and is not read, while `isReading` is false. */
  readonly #unread: Message[] = [];
  #isReading = true;

  constructor(readonly onSent: (message: Message) => void, readonly onClosed = () => {}) {
    super();
  }

  open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  /** The peer has said this. */
  receive(data: Message): void {
    if (this.readyState === 1) this.dispatchEvent(new MessageEvent("message", { data }));
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** A peer that does not read leaves all that it is sent in the buffer. */
  set isReading(isReading: boolean) {
    this.#isReading = isReading;
    if (isReading) this.read(Infinity);
  }

  /** Reads so many messages that wait. */
  read(count: number): void {
    for (const data of this.#unread.splice(0, count)) {
      this.bufferedAmount -= sizeOf(data);
      this.onSent(data);
    }
  }

  send(data: Message): void {
    if (this.readyState !== 1) return;
    if (this.#isReading) return this.onSent(data);
    this.bufferedAmount += sizeOf(data);
    this.#unread.push(data);
  }

  close(code = 1005, reason = ""): void {
    this.end(code, reason);
  }

  /** Either side has ended it, or the network has. */
  end(code: number, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.closedWith = { code, reason };
    this.onClosed();
    queueMicrotask(() => this.dispatchEvent(new CloseEvent("close", { code, reason })));
  }
}

function sizeOf(data: Message): number {
  return typeof data === "string" ? data.length : data.byteLength;
}
