import type { Message } from "../../../supabase/functions/relay/runtime.ts";
import { FakeSocket } from "../../support/hub/fake_socket.ts";

/** A peer that answers no close: its connection stays until the test ends it. */
export class SilentSocket extends FakeSocket {
  /** What it was sent. */
  readonly got: Message[];
  /** What it was told when it was asked to close, and how often. */
  readonly closes: { code: number; reason: string }[] = [];

  constructor() {
    const got: Message[] = [];
    super((message) => got.push(message));
    this.got = got;
  }

  override close(code = 1005, reason = ""): void {
    this.closes.push({ code, reason });
    if (this.readyState < 2) this.readyState = 2;
  }
}

/** One that its host can cut, as a Node server can. */
export class CuttableSocket extends SilentSocket {
  terminate(): void {
    this.end(1006);
  }
}
