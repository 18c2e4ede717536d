import { type Parts, payloadOf, printOf, takeApart } from "../../realtime/frame.ts";
import type { Frame } from "../../realtime/phoenix.ts";
import { gapNotice } from "../gap.ts";
import type { Awake } from "../../peer/awake.ts";
import type { Kept } from "../../peer/unsent.ts";
import type { Message } from "../../runtime.ts";
import type { Vsn } from "../../realtime/upstream.ts";

export interface MoveOptions {
  vsn: Vsn;
  topic: string;
  /** Of the join by the viewer's own socket, and of the heartbeat behind it. */
  ref: string;
  hasBindings: boolean;
  /** Memory for what must wait, of the viewer and with all its other moves. */
  kept: Pick<Kept, "take" | "give">;
  timeoutMs: number;
  awake: Pick<Awake, "after">;
  /** Resolves when all that Realtime has sent to the group by now was delivered. */
  flushGroup(): Promise<void>;
  /** Sends a heartbeat with the ref by the viewer's own socket. */
  flushOwn(): void;
  deliver(message: Message): void;
  /** When the group's channel was lost, while that is so. */
  gapFrom(): number | undefined;
  now(): number;
  /** The topic is the viewer's own; `held` is what the client has sent meanwhile. */
  onOwn(held: [Message, Frame][]): void;
  /** The seat in the group is to be left. */
  onLeave(): void;
  /** The answer that the client was given, without its refs: it has the ids of its bindings. */
  answer: string;
  /**
   * Its own channel has other ids, and the client would pass over what comes: it is to join anew. `held`
   * is what it has sent meanwhile.
   */
  onUnknown(held: [Message, Frame][]): void;
  /** Realtime refused the join. */
  onRefused(reason: string, held: [Message, Frame][]): void;
  onDone(): void;
  /** It takes too long. */
  onFail(): void;
  /** There is no memory for what must wait. */
  onFull(): void;
}

/**
 * A change that Realtime had begun to check when the viewer's own channel was subscribed comes to
 * the group alone, later than the message that says so. A check takes less than this.
 */
const OVERLAP_MS = 3_000;

/**
 * Takes one topic of a viewer from its group to a channel of its own, so that nothing is lost and
 * nothing comes twice. The group speaks until the new channel is joined and all that Realtime had
 * sent to the group by then is here; the client's own frames on the topic wait so long, since the
 * group would echo its broadcasts. Of changes the group speaks on until both have brought the same
 * one: as both have one order, nothing before it is missing. What both bring is delivered once.
 */
export class Move {
  readonly #ref: string;
  /** What the group has delivered since, and how often. */
  readonly #seen = new Map<string, number>();
  readonly #fromOwn: Message[] = [];
  readonly #fromClient: [Message, Frame][] = [];
  #bytes = 0;
  /** When its own channel stood. */
  #subscribedAt: number | undefined;
  /** Since when the group may have missed what the viewer's own channel was not there for. */
  #gapFrom = Infinity;
  /** The client's frames go to its own channel, and only changes come from the group. */
  #isOwn = false;
  /** Nothing comes from the group. */
  #hasLeft = false;
  #isOver = false;
  #stopTimer: () => void;

  constructor(readonly options: MoveOptions) {
    this.#ref = JSON.stringify(options.ref);
    this.#stopTimer = options.awake.after(options.timeoutMs, options.onFail);
  }

  /** Takes what the group has for the viewer. */
  fromGroup(message: Message): void {
    if (this.#hasLeft) return;
    if (this.#isOwn && !this.#isChange(message)) return this.#noteGap(message);
    // It stands in its place among what waits from the viewer's own channel.
    if (this.#isOwn && this.#fromOwn.includes(message)) return this.leave();
    if (this.options.gapFrom() !== undefined) this.#bringMissed(message);
    this.#count(message);
    this.#seen.set(printOf(message), this.#seenOf(message) + 1);
    this.options.deliver(message);
  }

  /** What the group missed while it was lost stands before what it brings now: that is not the first. */
  #bringMissed(message: Message): void {
    const print = printOf(message);
    const at = this.#fromOwn.findIndex((own) => printOf(own) === print);
    if (at <= 0) return;
    // Changes and broadcasts have an order each.
    const isChange = this.#isChange(message);
    const missed = this.#fromOwn.slice(0, at).filter((own) => this.#isChange(own) === isChange);
    for (const own of missed) {
      this.#fromOwn.splice(this.#fromOwn.indexOf(own), 1);
      this.#deliverOnce(own);
    }
  }

  /**
   * The group's channel is over, since some time after it `stoodAt`: what comes until its own stands
   * comes from nowhere. Realtime may tell an end late, where it was busy with other joins.
   */
  groupEnded(stoodAt: number): void {
    this.#gapFrom = Math.min(this.#gapFrom, stoodAt);
  }

  /** Keeps a frame of the client, if it has to wait. */
  holds(message: Message, frame: Frame): boolean {
    if (this.#isOwn || this.#isOver) return false;
    this.#count(message);
    this.#fromClient.push([message, frame]);
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
  fromOwn(message: Message, parts?: Parts): void {
    const { deliver } = this.options;
    switch (parts?.event) {
      case "phx_reply":
        return parts.ref === this.#ref ? this.#joined(parts) : deliver(message);
      case "system":
        return this.#system(message, parts);
      case "phx_close":
      case "phx_error":
        this.leave();
        return deliver(message);
      case "postgres_changes":
        if (this.#hasLeft) return this.#deliverOnce(message);
        break;
      default:
        if (this.#isOwn) return this.#deliverOnce(message);
    }
    this.#count(message);
    this.#fromOwn.push(message);
    if (this.#isOwn && this.#seenOf(message) > 0) this.leave();
  }

  /** Leaves the group, and delivers what it has not brought. */
  leave(): void {
    if (this.#hasLeft || this.#isOver) return;
    this.#stopTimer();
    this.#hasLeft = true;
    this.#own();
    for (const message of this.#fromOwn.splice(0)) this.#deliverOnce(message);
    this.#tellGap();
    this.options.onLeave();
    this.options.flushOwn();
  }

  stop(): void {
    this.#isOver = true;
    this.#stopTimer();
    this.options.kept.give(this.#bytes);
    this.#bytes = 0;
  }

  #joined(parts: Parts): void {
    const { vsn, hasBindings, onRefused, answer, onUnknown } = this.options;
    const { status, response } = payloadOf(vsn, parts) as {
      status: string;
      response?: { reason?: string };
    };
    if (status !== "ok") {
      this.stop();
      onRefused(response?.reason ?? "Realtime refused the join.", this.#fromClient.splice(0));
    } else if (parts.tail !== answer) {
      this.stop();
      onUnknown(this.#fromClient.splice(0));
    } else if (!hasBindings) this.#subscribed();
  }

  #tellGap(): void {
    const { vsn, topic, now, deliver, gapFrom } = this.options;
    const until = this.#subscribedAt ?? now();
    const from = Math.min(this.#gapFrom, gapFrom() ?? Infinity);
    if (from <= until) deliver(gapNotice(vsn, topic, from, until));
  }

  /** What the group tells its viewers of a gap is told when it is known how much of it is theirs. */
  #noteGap(message: Message): void {
    const { vsn } = this.options;
    const parts = typeof message === "string" ? takeApart(vsn, message) : undefined;
    if (parts?.event !== "system") return;
    const { extension, status, from } = payloadOf(vsn, parts);
    if (extension !== "relay" || status !== "gap") return;
    this.#gapFrom = Math.min(this.#gapFrom, Number(from));
  }

  /** The client was told already that it is subscribed; that it is not, it hears. */
  #system(message: Message, parts: Parts): void {
    const { extension, status } = payloadOf(this.options.vsn, parts);
    const isFirst = extension === "postgres_changes" && this.#subscribedAt === undefined;
    if (!isFirst || status !== "ok") this.options.deliver(message);
    if (isFirst && status === "ok") this.#subscribed();
    else if (isFirst) this.leave();
  }

  async #subscribed(): Promise<void> {
    this.#subscribedAt ??= this.options.now();
    await this.options.flushGroup();
    if (this.#hasLeft || this.#isOver) return;
    this.#stopTimer();
    this.#own();
    const isCommon = this.#fromOwn.some((message) => this.#seenOf(message) > 0);
    if (!this.options.hasBindings || isCommon) this.leave();
    else this.#overlap(() => this.#leaveFlushed());
  }

  #overlap(then: () => void): void {
    this.#stopTimer = this.options.awake.after(OVERLAP_MS, then);
  }

  /** A worker that stood still is told that time has passed before it reads what the group has sent. */
  async #leaveFlushed(): Promise<void> {
    this.#overlap(() => this.leave());
    await this.options.flushGroup();
    this.leave();
  }

  /** From here on broadcasts come from the viewer's own channel, and go to it. */
  #own(): void {
    if (this.#isOwn) return;
    this.#isOwn = true;
    for (const message of this.#fromOwn.splice(0)) {
      if (this.#isChange(message)) this.#fromOwn.push(message);
      else this.#deliverOnce(message);
    }
    this.options.onOwn(this.#fromClient.splice(0));
  }

  #isChange(message: Message): boolean {
    if (typeof message !== "string") return false;
    return takeApart(this.options.vsn, message)?.event === "postgres_changes";
  }

  #seenOf(message: Message): number {
    return this.#seen.get(printOf(message)) ?? 0;
  }

  #deliverOnce(message: Message): void {
    const left = this.#seenOf(message);
    if (left === 0) this.options.deliver(message);
    else this.#seen.set(printOf(message), left - 1);
  }

  #count(message: Message): void {
    if (this.#isOver) return;
    const bytes = typeof message === "string" ? message.length : message.byteLength;
    if (this.options.kept.take(bytes)) this.#bytes += bytes;
    else this.options.onFull();
  }
}
