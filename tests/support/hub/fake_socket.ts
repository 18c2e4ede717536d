import type { Message, Socket } from "../../../supabase/functions/relay/runtime.ts";

/** One end of a WebSocket without a network: what is sent to it goes to `onSent`. */
export class FakeSocket extends EventTarget implements Socket {
  binaryType: BinaryType = "arraybuffer";
  readyState: 0 | 1 | 2 | 3 = 0;
  bufferedAmount = 0;
  closedWith: { code: number; reason: string } | undefined;

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

  send(data: Message): void {
    if (this.readyState === 1) this.onSent(data);
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
