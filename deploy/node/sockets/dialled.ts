// @ts-types="./ws.d.ts"
import type { Options, WebSocket } from "ws";
import type { Accepted } from "./accepted.ts";
import type { Pacer } from "./pace.ts";
import { LeanSocket } from "./socket.ts";

/** Who is sent what Realtime sends. */
interface Pace {
  reader: Accepted;
  listener: { onUnread(): void };
}

/** A socket to Realtime, which waits for a client that reads slowly. */
export class Dialled extends LeanSocket {
  #pace: Pace | undefined;

  constructor(url: URL, options: Options, readonly pacer: Pacer) {
    super(url, options);
  }

  paceBy(reader: Accepted, listener: Pace["listener"]): void {
    this.#pace = { reader, listener };
    this.on("message", follow);
  }

  /** What was just sent on. */
  followPace(): void {
    const { reader, listener } = this.#pace!;
    this.pacer.passed(this, reader, () => listener.onUnread());
  }

  override close(code?: number, reason?: string): void {
    this.pacer.release(this);
    super.close(code, reason);
  }
}

/** One for all: a worker has thousands. */
function follow(this: WebSocket): void {
  (this as Dialled).followPace();
}
