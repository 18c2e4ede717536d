import { type Parts, payloadOf, printOf } from "./hub_frame.ts";
import type { Message } from "./runtime.ts";
import type { Vsn } from "./upstream.ts";

export interface MoveOptions {
  vsn: Vsn;
  /** Of the join by the viewer's own socket, and of the heartbeat behind it. */
  ref: string;
  hasBindings: boolean;
  /** What may be kept meanwhile, in bytes. */
  maxHeldBytes: number;
  timeoutMs: number;
  /** Resolves when all that Realtime has sent to the group by now was delivered. */
  flushGroup(): Promise<void>;
  /** Sends a heartbeat with the ref by the viewer's own socket. */
  flushOwn(): void;
  deliver(message: Message): void;
  /** The seat in the group is to be left; then `held` goes upstream. */
  onSwitch(held: Message[]): void;
  /** Realtime refused the join. */
  onRefused(reason: string): void;
  onDone(): void;
  /** It takes too long, or too much is held. */
  onFail(): void;
}

/**
 * Takes one topic of a viewer from its group to a channel of its own, so that nothing is lost, and
 * nothing comes twice. The group goes on speaking until the new channel is subscribed and all that
 * Realtime had sent to the group by then is here; what both carried is delivered once. The client's
 * own frames on the topic wait until then: the group would echo its broadcasts.
 */
export class Move {
  readonly #ref: string;
  /** What the group has delivered since, and how often. */
  readonly #seen = new Map<string, number>();
  readonly #fromOwn: Message[] = [];
  readonly #fromClient: Message[] = [];
  #bytes = 0;
  #isSubscribed = false;
  #isSwitched = false;
  #isOver = false;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(readonly options: MoveOptions) {
    this.#ref = JSON.stringify(options.ref);
    this.#timer = setTimeout(options.onFail, options.timeoutMs);
  }

  /** Notes what the group delivers. */
  note(message: Message): void {
    const print = printOf(message);
    this.#count(message);
    this.#seen.set(print, (this.#seen.get(print) ?? 0) + 1);
  }

  /** Keeps a frame of the client, if it has to wait. */
  holds(message: Message): boolean {
    if (this.#isSwitched || this.#isOver) return false;
    this.#count(message);
    this.#fromClient.push(message);
    return true;
  }

  /** True for the answer to the heartbeat of flushOwn(): the move is over. */
  isFlushed({ topic, ref }: Parts): boolean {
    if (topic !== "phoenix" || ref !== this.#ref) return false;
    this.stop();
    this.options.onDone();
    return true;
  }

  /** Takes a frame of the topic from the viewer's own socket. */
  take(message: Message, parts?: Parts): void {
    const { deliver } = this.options;
    switch (parts?.event) {
      case "phx_reply":
        return parts.ref === this.#ref ? this.#joined(parts) : deliver(message);
      case "system":
        return this.#system(message, parts);
      case "phx_close":
      case "phx_error":
        if (!this.#isSwitched) this.#switch();
        return deliver(message);
    }
    if (this.#isSwitched) return this.#deliverOnce(message);
    this.#count(message);
    this.#fromOwn.push(message);
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #joined(parts: Parts): void {
    const { vsn, hasBindings, onRefused } = this.options;
    const { status, response } = payloadOf(vsn, parts) as {
      status: string;
      response?: { reason?: string };
    };
    if (status !== "ok") {
      this.stop();
      onRefused(response?.reason ?? "Realtime refused the join.");
    } else if (!hasBindings) this.#subscribed();
  }

  /** The client was told already that it is subscribed; that it is not, it hears. */
  #system(message: string | Message, parts: Parts): void {
    const { extension, status } = payloadOf(this.options.vsn, parts);
    const isFirst = extension === "postgres_changes" && !this.#isSubscribed;
    if (!isFirst || status !== "ok") this.options.deliver(message);
    if (isFirst) this.#subscribed();
  }

  async #subscribed(): Promise<void> {
    this.#isSubscribed = true;
    await this.options.flushGroup();
    if (!this.#isOver && !this.#isSwitched) this.#switch();
  }

  #switch(): void {
    this.#isSwitched = true;
    for (const message of this.#fromOwn.splice(0)) this.#deliverOnce(message);
    this.options.onSwitch(this.#fromClient.splice(0));
    this.options.flushOwn();
  }

  #deliverOnce(message: Message): void {
    const print = printOf(message);
    const left = this.#seen.get(print) ?? 0;
    if (left === 0) this.options.deliver(message);
    else this.#seen.set(print, left - 1);
  }

  #count(message: Message): void {
    this.#bytes += typeof message === "string" ? message.length : message.byteLength;
    if (this.#bytes > this.options.maxHeldBytes && !this.#isOver) this.options.onFail();
  }
}
