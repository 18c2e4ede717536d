import { RelayError } from "./errors.ts";
import { type Parts, payloadOf, tailOf, withRefs } from "./hub_frame.ts";
import { encodeServerFrame } from "./phoenix.ts";
import type { Message } from "./runtime.ts";
import type { Share } from "./share_key.ts";
import type { Vsn } from "./upstream.ts";

/** A viewer's place in a group. */
export interface Seat {
  /** The refs of the viewer's own join, as JSON text. */
  readonly joinRef: string;
  readonly ref: string;
  /** The ref of its channel: Realtime takes a join's ref where it has no join_ref. */
  readonly channelRef: string;
  /** Takes what is for the viewer. Never throws. */
  receive(message: Message): void;
  /** Takes the last frame: Realtime has closed the channel, or refused it. */
  dismiss(message: string): void;
  /** The group is lost for good. */
  lose(error: RelayError): void;
}

/** Frames that came for groups, and how often they were sent on. */
export interface FanOut {
  received: number;
  delivered: number;
}

export interface GroupOptions {
  vsn: Vsn;
  topic: string;
  share: Share;
  fanOut: FanOut;
  now(): number;
}

/**
 * The viewers of one channel of Realtime, from the first join to the last leave. Those who wait have
 * not been answered; members have, and get all that the channel gets.
 */
export class Group {
  readonly waiting = new Set<Seat>();
  readonly members = new Set<Seat>();
  /** Of the join that is upstream, as JSON text: what answers another one is passed over. */
  joinRef = "";
  /** Since when nobody has been there, and the timer that ends it. */
  linger: ReturnType<typeof setTimeout> | undefined;
  #joined = false;
  #overdue = false;
  /** The answer to the join, and the last word about Postgres Changes: for those who come later. */
  #reply = "";
  #system: Parts | undefined;
  /** When the channel was lost; until its viewers were told how long it was. */
  #gapFrom: number | undefined;

  constructor(readonly options: GroupOptions) {}

  get topic(): string {
    return this.options.topic;
  }

  get isEmpty(): boolean {
    return this.waiting.size + this.members.size === 0;
  }

  add(seat: Seat): void {
    if (this.#joined) this.#welcome(seat);
    else this.waiting.add(seat);
  }

  remove(seat: Seat): void {
    this.waiting.delete(seat);
    this.members.delete(seat);
  }

  /** Takes a text frame of the channel. Returns false where it was its end. */
  take(parts: Parts, text: string): boolean {
    const { joinRef, ref, event } = parts;
    if (event === "phx_reply") return ref !== this.joinRef || this.#answered(parts);
    const isOfAnother = joinRef !== "null" && joinRef !== this.joinRef;
    if (isOfAnother || (ref !== "null" && ref !== this.joinRef)) return true;
    if (event === "phx_close" || event === "phx_error") {
      this.#dismiss(parts);
      return false;
    }
    if (!this.#joined) return true; // Of an earlier channel of this topic.
    if (joinRef === "null" && ref === "null") this.broadcast(text);
    else for (const seat of this.members) seat.receive(this.#rewrite(parts, seat));
    if (event === "system") this.#noteSystem(parts);
    return true;
  }

  /** Sends what is the same for all. */
  broadcast(message: Message): void {
    if (!this.#joined) return;
    const { fanOut } = this.options;
    fanOut.received++;
    fanOut.delivered += this.members.size;
    for (const seat of this.members) seat.receive(message);
  }

  /**
   * To be asked every while: true where the join was not answered in a whole one. Then everybody was
   * told, and the group is over.
   */
  isOverdue(): boolean {
    if (this.#joined || !this.#overdue) {
      this.#overdue = !this.#joined;
      return false;
    }
    this.refuse(new RelayError("upstream_timeout", "Realtime has not answered the join."));
    this.#fail();
    return true;
  }

  /** The channel is gone and will be joined again. */
  lost(): void {
    this.#joined = this.#overdue = false;
    this.#system = undefined;
    if (this.members.size > 0) this.#gapFrom ??= this.options.now();
  }

  /** Answers those who wait with the reason why there is nothing to join. */
  refuse({ reason }: RelayError): void {
    const payload = { status: "error", response: { reason } };
    const { vsn, topic } = this.options;
    this.#refuse(tailOf(vsn, { topic, event: "phx_reply", payload }));
  }

  /** Ends every viewer's socket. */
  end(error: RelayError): void {
    for (const seat of [...this.waiting, ...this.members]) seat.lose(error);
  }

  #answered(parts: Parts): boolean {
    const { vsn } = this.options;
    if (payloadOf(vsn, parts).status !== "ok") {
      this.#refuse(parts.tail);
      this.#fail();
      return false;
    }
    // Other binding ids than a member knows: only its own join can teach it the new ones.
    if (this.#reply !== "" && this.#reply !== parts.tail) this.#fail();
    this.#joined = true;
    this.#reply = parts.tail;
    if (!this.options.share.hasBindings) this.#endGap();
    for (const seat of this.waiting) this.#welcome(seat);
    this.waiting.clear();
    return true;
  }

  #welcome(seat: Seat): void {
    const { vsn } = this.options;
    this.members.add(seat);
    seat.receive(withRefs(vsn, seat.joinRef, seat.ref, this.#reply));
    if (this.#system) seat.receive(this.#rewrite(this.#system, seat));
  }

  #refuse(tail: string): void {
    for (const seat of this.waiting) {
      seat.dismiss(withRefs(this.options.vsn, seat.joinRef, seat.ref, tail));
    }
    this.waiting.clear();
  }

  /** Tells the members that the channel broke down, so that each joins anew. */
  #fail(): void {
    const { vsn, topic } = this.options;
    const event = "phx_error";
    const tail = tailOf(vsn, { topic, event, payload: {} });
    this.#dismiss({ joinRef: this.joinRef, ref: this.joinRef, topic, event, tail });
  }

  #dismiss(parts: Parts): void {
    for (const seat of this.members) seat.dismiss(this.#rewrite(parts, seat));
    this.members.clear();
  }

  /** A frame about the channel, as it would have come to this viewer's own. */
  #rewrite({ ref, tail }: Parts, { channelRef }: Seat): string {
    return withRefs(this.options.vsn, channelRef, ref === "null" ? ref : channelRef, tail);
  }

  #noteSystem(parts: Parts): void {
    if (payloadOf(this.options.vsn, parts).extension !== "postgres_changes") return;
    this.#system = parts;
    this.#endGap();
  }

  #endGap(): void {
    if (this.#gapFrom === undefined) return;
    const { vsn, topic, now } = this.options;
    const payload = { extension: "relay", status: "gap", from: this.#gapFrom, to: now() };
    this.#gapFrom = undefined;
    this.broadcast(encodeServerFrame(vsn, { topic, event: "system", payload }));
  }
}
