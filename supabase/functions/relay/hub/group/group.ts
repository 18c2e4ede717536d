import { RelayError, toRelayError } from "../../errors.ts";
import type { Awake } from "../../peer/awake.ts";
import { type Parts, payloadOf, tailOf, withRefs } from "../../realtime/frame.ts";
import type { Message } from "../../runtime.ts";
import { gapNotice } from "../gap.ts";
import type { Parcel } from "./parcels.ts";
import { Readers, type ReadersOptions } from "./readers.ts";
import { isLater } from "../rights.ts";
import { Newcomers, type NewcomersOptions } from "./newcomers.ts";
import type { Seat } from "./seat.ts";
import type { Share } from "./share_key.ts";

/** Frames that came for groups, and how often they were sent on. */
export interface FanOut {
  received: number;
  delivered: number;
}

export interface GroupOptions
  extends
    Pick<ReadersOptions, "kept" | "isCrowded" | "turn" | "took">,
    Pick<NewcomersOptions, "vsn" | "topic" | "now" | "askRight"> {
  share: Share;
  awake: Pick<Awake, "look">;
  fanOut: FanOut;
  /** See ReadersOptions. */
  onBehind(group: Group): void;
  /** The last who was there was sent away, or told to join anew. */
  onEmpty(group: Group): void;
}

/**
 * What a frame means for the channel: it goes on, it is over, it is to be joined again later, or it is
 * over since Realtime takes no more channels on this socket.
 */
export type Course = "on" | "over" | "later" | "full";

/** Why a join is refused where others have taken its socket's channels. */
const FULL = /^ChannelRateLimitReached\b/;

/**
 * The viewers of one channel of Realtime, from the first join to the last leave. Those who wait have
 * not been answered; members have, and get all that the channel gets. Whoever is in stays in, as in
 * Realtime.
 */
export class Group {
  readonly newcomers: Newcomers;
  readonly members: Readers;
  /** Of the join that is upstream, as JSON text: what answers another one is passed over. */
  joinRef = "";
  /** Since when nobody has been there, and the timer that ends it. */
  linger: ReturnType<typeof setTimeout> | undefined;
  /** When it is known to have stood; its end may be on its way since. */
  stoodAt = 0;
  #joined = false;
  /** When the join went upstream that is not answered yet, and by the clock of `awake`. */
  #sentAt: number | undefined;
  #sentMs = 0;
  /** The answer to the join, and the last word about Postgres Changes: for those who come later. */
  #reply = "";
  #system: Parts | undefined;
  /** When the channel was lost; until its viewers were told how long it was. */
  #gapFrom: number | undefined;
  /** Since when it has not stood, however often it was joined anew; by the clock of `awake`. */
  #downMs: number | undefined;

  constructor(readonly options: GroupOptions) {
    this.members = new Readers({
      ...options,
      textOf: ({ message, parts }, seat) => parts ? this.#rewrite(parts, seat) : String(message),
      onBehind: () => options.onBehind(this),
      deliver: (seat, parcel) => this.#deliver(seat, parcel),
      onFail: (error) => this.end(toRelayError(error)),
    });
    this.newcomers = new Newcomers({
      ...options,
      isPrivate: options.share.isPrivate,
      welcome: (seat) => this.#welcome(seat),
      onSentAway: () => this.isEmpty && options.onEmpty(this),
    });
  }

  get topic(): string {
    return this.options.topic;
  }

  get isEmpty(): boolean {
    return this.newcomers.size + this.members.size === 0;
  }

  add(seat: Seat): void {
    this.newcomers.add(seat);
  }

  remove(seat: Seat): void {
    this.newcomers.remove(seat);
    this.members.remove(seat);
  }

  /** What its members were answered, without their refs. */
  get answer(): string {
    return this.#reply;
  }

  /** All that Realtime has said of the channel until then is here, and it stood. */
  standsAt(time: number): void {
    if (this.#joined) this.stoodAt = time;
  }

  /** When the channel was lost, while that is so. */
  get gapFrom(): number | undefined {
    return this.#gapFrom;
  }

  /** Before the join goes upstream: whether it may, by what Realtime says of the right to it. */
  async prepare(): Promise<Course> {
    const right = await this.options.askRight();
    if (right?.isGiven) return "on";
    if (right) {
      this.newcomers.refuse(right.reason);
      this.#fail();
      return "over";
    }
    this.newcomers.turnAway();
    this.#noteDown();
    return this.isEmpty ? "over" : "later";
  }

  /** The join is upstream. */
  sent(ref: string): void {
    this.joinRef = JSON.stringify(ref);
    this.#sentAt = this.options.now();
    this.#sentMs = this.options.awake.look();
  }

  /** Takes a text frame of the channel. */
  take(parts: Parts, text: string): Course {
    const { joinRef, ref, event } = parts;
    if (event === "phx_reply") return ref === this.joinRef ? this.#answered(parts) : "on";
    const isOfAnother = joinRef !== "null" && joinRef !== this.joinRef;
    if (isOfAnother || (ref !== "null" && ref !== this.joinRef)) return "on";
    if (event === "phx_close" || event === "phx_error") {
      this.members.append({ parts, isEnd: true });
      // Whoever is asked for yet would be let into what is over.
      this.newcomers.turnAway();
      return "over";
    }
    if (!this.#joined) return "on"; // Of an earlier channel of this topic.
    if (joinRef === "null" && ref === "null") this.broadcast(text);
    else this.members.append({ parts });
    if (event === "system") this.#noteSystem(parts);
    return "on";
  }

  /** Sends what is the same for all. */
  broadcast(message: Message): void {
    if (!this.#joined) return;
    this.options.fanOut.received++;
    this.members.append({ message });
  }

  /** True where a join that was sent so long ago is not answered yet; then everybody is told. */
  isOverdue(ms: number): boolean {
    const { awake } = this.options;
    if (this.#sentAt === undefined || awake.look() - this.#sentMs < ms) return false;
    this.giveUp(new RelayError("upstream_timeout", "Realtime has not answered the join."));
    return true;
  }

  /** True where it was lost, or could not be joined, so long ago, and has not stood since. */
  isDownFor(ms: number): boolean {
    return this.#downMs !== undefined && this.options.awake.look() - this.#downMs >= ms;
  }

  /** There is no place for its channel: who waits asks by a socket of their own, and members join anew. */
  makeRoom(): "full" {
    this.newcomers.turnAway();
    this.#fail();
    return "full";
  }

  /** Realtime has let it in. */
  get isJoined(): boolean {
    return this.#joined;
  }

  /** Tells everybody, so that each joins anew. */
  giveUp(error: RelayError): void {
    this.refuse(error);
    this.#fail();
  }

  /** The channel is gone and will be joined again; until `hasAll` all that it had to say is here. */
  lost(hasAll: number): void {
    this.#joined = false;
    this.newcomers.shut();
    this.#sentAt = undefined;
    this.#system = undefined;
    this.#noteDown();
    if (this.members.size > 0) this.#gapFrom ??= hasAll;
  }

  /** Answers those who wait with the reason why there is nothing to join. */
  refuse({ reason }: RelayError): void {
    this.newcomers.refuse(reason);
  }

  /** Ends every viewer's socket. */
  end(error: RelayError): void {
    for (const seat of [...this.newcomers, ...this.members]) seat.lose(error);
  }

  #answered(parts: Parts): Course {
    const { status, response } = payloadOf(this.options.vsn, parts);
    if (status !== "ok") {
      const reason = String((response as { reason?: unknown } | undefined)?.reason);
      if (isLater(reason)) {
        this.lost(this.options.now());
        return "later";
      }
      if (FULL.test(reason)) return this.makeRoom();
      this.newcomers.dismiss(parts.tail);
      this.#fail();
      return "over";
    }
    // Other binding ids than a member knows: only its own join can teach it the new ones.
    if (this.#reply !== "" && this.#reply !== parts.tail) this.#fail();
    this.#joined = true;
    this.#downMs = undefined;
    const sentAt = this.#sentAt!;
    this.#sentAt = undefined;
    this.stoodAt = sentAt;
    this.#reply = parts.tail;
    if (!this.options.share.hasBindings) this.#endGap();
    this.newcomers.open(sentAt);
    return "on";
  }

  #welcome(seat: Seat): void {
    this.members.add(seat);
    seat.receive(withRefs(this.options.vsn, seat.joinRef, seat.ref, this.#reply));
    if (this.#system && this.members.has(seat)) seat.receive(this.#rewrite(this.#system, seat));
  }

  /** Tells the members that the channel broke down, so that each joins anew. */
  #fail(): void {
    const { vsn, topic } = this.options;
    const event = "phx_error";
    const tail = tailOf(vsn, { topic, event, payload: {} });
    const parts = { joinRef: this.joinRef, ref: this.joinRef, topic, event, tail };
    this.members.append({ parts, isEnd: true });
  }

  #deliver(seat: Seat, { entry: { message, parts, isEnd }, batch, same }: Parcel): void {
    this.options.fanOut.delivered += same;
    if (batch) seat.receiveBatch(batch);
    else if (isEnd) this.#dismiss(seat, parts!);
    else seat.receive(parts ? this.#rewrite(parts, seat) : message!);
  }

  #dismiss(seat: Seat, parts: Parts): void {
    seat.dismiss(this.#rewrite(parts, seat));
    if (this.isEmpty) this.options.onEmpty(this);
  }

  /** A frame about the channel, as it would have come to this viewer's own. */
  #rewrite({ ref, tail }: Parts, { joinRef }: Seat): string {
    return withRefs(this.options.vsn, joinRef, ref === "null" ? ref : joinRef, tail);
  }

  #noteDown(): void {
    this.#downMs ??= this.options.awake.look();
  }

  #noteSystem(parts: Parts): void {
    if (payloadOf(this.options.vsn, parts).extension !== "postgres_changes") return;
    this.#system = parts;
    this.#endGap();
  }

  #endGap(): void {
    if (this.#gapFrom === undefined) return;
    const { vsn, topic, now } = this.options;
    const notice = gapNotice(vsn, topic, this.#gapFrom, now());
    this.#gapFrom = undefined;
    this.broadcast(notice);
  }
}
