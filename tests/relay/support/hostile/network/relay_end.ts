import type { Socket } from "../../../../../supabase/functions/relay/runtime.ts";
import type { Time } from "../world/time.ts";
import { type Message, sizeOf } from "./frames.ts";

/** What the ends of all sockets of a world have in common. */
export interface Network {
  time: Time;
  /** Bytes that wait in all ends, and so in the worker's memory. */
  unsent: number;
  /** An error that nobody caught. */
  crashed(error: unknown): void;
}

// deno-lint-ignore no-explicit-any
type Listener = (event: any) => void;

/** Codes that an accepted socket may send. */
const ACCEPTED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013];

/**
 * The relay's end of a WebSocket, as strict as Deno's: it throws where a socket that is not open is
 * sent to, or a code or reason is given that may not be sent, and goes through CLOSING, which may
 * last for ever.
 */
export abstract class RelayEnd {
  binaryType: BinaryType = "blob";
  readyState: 0 | 1 | 2 | 3 = 0;
  bufferedAmount = 0;
  /** What the relay has closed it with, and when. */
  closing: { code: number; reason: string; at: number } | undefined;
  /** When its close event was fired. */
  closedAt: number | undefined;
  readonly #listeners = new Map<string, { work: Listener; once: boolean }[]>();

  constructor(readonly network: Network, readonly isAccepted: boolean) {}

  get socket(): Socket {
    return this as unknown as Socket;
  }

  addEventListener(type: string, work: Listener, { once = false } = {}): void {
    const list = this.#listeners.get(type);
    if (list) list.push({ work, once });
    else this.#listeners.set(type, [{ work, once }]);
  }

  send(message: Message): void {
    if (this.readyState !== 1) {
      throw new DOMException("readyState not OPEN", "InvalidStateError");
    }
    this.hold(sizeOf(message));
    this.sent(message);
  }

  close(code = 1000, reason = ""): void {
    const maySend = (code >= 3000 && code <= 4999) ||
      (this.isAccepted ? ACCEPTED.includes(code) : code === 1000);
    if (!maySend) throw new DOMException(`close code ${code}`, "InvalidAccessError");
    if (new TextEncoder().encode(reason).length > 123) {
      throw new DOMException("a reason of over 123 bytes", "SyntaxError");
    }
    if (this.readyState >= 2) return;
    const wasOpen = this.readyState === 1;
    this.readyState = 2;
    this.closing = { code, reason, at: this.network.time.now };
    this.told(code, reason, wasOpen);
  }

  /** The peer has said this. */
  receive(data: Message): void {
    if (this.readyState === 1) this.fire("message", { data });
  }

  open(): void {
    this.network.time.arrive(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.fire("open", {});
    });
  }

  /** The connection is over. */
  end(code: number, reason = ""): void {
    this.network.time.arrive(() => this.ended(code, reason));
  }

  /** The relay notices that. */
  protected ended(code: number, reason: string): void {
    if (this.readyState === 3) return;
    const before = this.readyState;
    this.release(this.bufferedAmount);
    this.readyState = 3;
    this.closedAt = this.network.time.now;
    if (code === 1006 && before < 2) this.fire("error", { message: "the connection is lost" });
    this.fire("close", { code, reason, wasClean: code !== 1006 });
  }

  protected hold(bytes: number): void {
    this.bufferedAmount += bytes;
    this.network.unsent += bytes;
  }

  protected release(bytes: number): void {
    if (this.readyState === 3) return;
    this.bufferedAmount -= bytes;
    this.network.unsent -= bytes;
  }

  /** Takes what the relay has sent. */
  protected abstract sent(message: Message): void;

  /** The relay wants to close. */
  protected abstract told(code: number, reason: string, wasOpen: boolean): void;

  protected fire(type: string, event: Record<string, unknown>): void {
    const list = this.#listeners.get(type);
    if (!list) return;
    this.#listeners.set(type, list.filter(({ once }) => !once));
    for (const { work } of list) {
      try {
        work(event);
      } catch (error) {
        this.network.crashed(error);
      }
    }
  }
}
