import type { RelayError } from "../errors.ts";
import { closeOf } from "../peer/close.ts";
import { Bucket } from "../peer/budget.ts";
import type { Batch } from "../peer/batch.ts";
import type { Listener, Reader, Upstream } from "../realtime/dial.ts";
import {
  encodeFrame,
  encodeReply,
  encodeServerFrame,
  type Frame,
  frameOfBinary,
  UNMATCHED,
} from "../realtime/phoenix.ts";
import type { Wire } from "../realtime/upstream.ts";
import { type Close, CLOSED, type Message, OPEN } from "../runtime.ts";
import type { Group } from "./group/group.ts";
import { OwnChannels, type OwnChannelsOptions } from "./own/channels.ts";
import { Place, type Sitter } from "./place.ts";
import { type Share, shareOf } from "./group/share_key.ts";

/** Channels that nobody shared yet, begun by one viewer: a page's at once, then one a second. */
const BEGUN = { perSecond: 1, burst: 100 };

/** What all viewers of a worker share. */
export interface ViewerOptions extends Omit<OwnChannelsOptions, "wire"> {
  /** Told of a viewer whose socket is over. */
  onGone(viewer: Viewer): void;
}

/**
 * What an anonymous viewer has in place of a socket to Realtime. To the tunnel it looks like one, and
 * what is sent to it has passed the gate. It answers as Realtime does, takes a place in a group for
 * each join that may be shared, and has channels of its own for what may not.
 */
export class Viewer implements Upstream, Sitter {
  readonly #places = new Map<string, Place>();
  /** Of thousands, most never have one. */
  #own: OwnChannels | undefined;
  #begun: Bucket | undefined;
  /** Of the user whom a frame named. */
  #token: string | undefined;
  #isOver = false;
  #listener: Listener | undefined;

  /** `key` is the public one that the viewer brought. */
  constructor(readonly wire: Wire, readonly key: string, readonly options: ViewerOptions) {}

  get socket(): Upstream["socket"] {
    return this;
  }

  get reader(): Reader | undefined {
    return this.#listener?.reader;
  }

  get takesBatches(): boolean {
    return this.#listener?.onBatch !== undefined;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  get readyState(): typeof OPEN | typeof CLOSED {
    return this.#isOver ? CLOSED : OPEN;
  }

  get bufferedAmount(): number | undefined {
    return this.#own?.bufferedAmount;
  }

  send(message: Message, frame: Frame): void {
    if (this.#own?.moveOf(frame.topic)?.holds(message, frame)) return;
    switch (frame.event) {
      case "heartbeat":
        return this.#beat(frame, message);
      case "phx_join":
        return this.#join(frame, message);
      case "phx_leave":
        return this.#leave(frame, message);
      case "access_token":
        return this.#sign(frame, message);
      default:
        return this.#push(frame, message);
    }
  }

  close(code: number): void {
    if (this.#isOver) return;
    this.#stop();
    if (!this.#own?.close(code)) this.#tellClose({ code, reason: "" });
  }

  /** Takes what Realtime says to the viewer, from wherever it came. */
  deliver(message: Message): void {
    if (!this.#isOver) this.#listener?.onMessage(message);
  }

  /** Ends the viewer's socket. */
  fail(error: RelayError): void {
    this.closed(closeOf(error));
  }

  cut(): void {
    this.#listener?.onUnread?.();
  }

  received({ topic }: Place, message: Message): void {
    const move = this.#own?.moveOf(topic);
    if (move) move.fromGroup(message);
    else this.deliver(message);
  }

  /** Whose topic moves is in a hurry, and takes no batches. */
  receivedBatch(batch: Batch): void {
    if (!this.#isOver) this.#listener?.onBatch?.(batch);
  }

  /** A channel of the viewer's own that is being joined stays. */
  dismissed(place: Place, message: string): void {
    if (this.#places.get(place.topic) === place) this.#places.delete(place.topic);
    const move = this.#own?.moveOf(place.topic);
    if (move) move.groupEnded(place.group!.stoodAt);
    else this.deliver(message);
  }

  turnedAway(place: Place): void {
    this.#places.delete(place.topic);
    this.#joinAlone(place, place.group!);
  }

  /** phx_close, as Realtime sends it when a channel ends. */
  closeChannel({ topic, join_ref }: Frame): void {
    const frame = { topic, event: "phx_close", payload: {}, ref: join_ref, join_ref };
    this.deliver(encodeServerFrame(this.wire.vsn, frame));
  }

  vacate(topic: string): Place | undefined {
    const place = this.#places.get(topic);
    if (!place) return undefined;
    this.#places.delete(topic);
    if (place.group) this.options.groups.leave(place.group, place);
    return place;
  }

  /** Its own socket to Realtime is over, or cannot be opened. */
  closed(close: Close): void {
    this.options.groups.deliver();
    if (!this.#isOver) this.#stop();
    this.#own?.close(1000);
    this.#tellClose(close);
  }

  /** A socket of the viewer's own needs them as well. */
  #beat(frame: Frame, message: Message): void {
    if (this.#own?.isOpen) this.#own.send(message);
    else this.#reply(frame, "ok", {});
  }

  #join(frame: Frame, message: Message): void {
    const { topic } = frame;
    // What it replaces does not go over: another identity may be forbidden that.
    this.#noteToken(frame, topic);
    if (this.#own?.has(topic)) return this.#own.send(message, topic);
    if (!topic.startsWith("realtime:")) return this.#unmatched(frame);
    // What waits for it of the channel that this join ends comes before the answer.
    const before = this.#places.get(topic);
    before?.hurry();
    // One that was not answered has no channel, and no end.
    const old = before?.isMember ? before.frame : undefined;
    this.vacate(topic);
    before?.endOld();
    const mayShare = this.#token === undefined && (this.#own?.mayShare(topic) ?? true);
    const share = mayShare ? shareOf(this.wire.vsn, this.key, frame) : undefined;
    if (share && this.#mayBegin(share) && this.#sit(frame, share, old)) return;
    this.#ownChannels.join(topic, message);
    if (old) this.closeChannel(old);
  }

  /** Returns false where the hub is full. */
  #sit(frame: Frame, share: Share, old: Frame | undefined): boolean {
    const place = new Place(this, frame, old);
    this.#places.set(frame.topic, place);
    place.group = this.options.groups.join(this.wire.vsn, frame.topic, share, place);
    if (!place.group) this.#places.delete(frame.topic);
    return place.group !== undefined;
  }

  /** Who begins ever other channels does so at a cost of its own. */
  #mayBegin(share: Share): boolean {
    const { groups, now } = this.options;
    if (groups.has(share)) return true;
    this.#begun ??= new Bucket(BEGUN.perSecond, BEGUN.burst, now);
    return this.#begun.take();
  }

  #leave(frame: Frame, message: Message): void {
    if (this.#own?.leave(frame, message)) return;
    const place = this.vacate(frame.topic);
    place?.endOld();
    this.#reply(frame, "ok", {});
    if (place) this.closeChannel(place.frame);
  }

  #sign(frame: Frame, message: Message): void {
    if (this.#own?.has(frame.topic)) this.#own.send(message);
    this.#noteToken(frame);
  }

  #push(frame: Frame, message: Message): void {
    const { topic } = frame;
    const place = this.#places.get(topic);
    if (place) this.#move(place);
    if (this.#own?.moveOf(topic)?.holds(message, frame)) return;
    if (this.#own?.has(topic)) this.#own.push(topic, message);
    else this.#unmatched(typeof message === "string" ? frame : frameOfBinary(message, topic));
  }

  /** A token that passed the gate is a user's: from now on nothing of this viewer is shared. */
  #noteToken({ payload }: Frame, except?: string): void {
    const { access_token } = (payload ?? {}) as { access_token?: string };
    if (access_token === undefined) return;
    this.#token = access_token;
    for (const place of [...this.#places.values()]) {
      if (place.topic !== except) this.#move(place);
    }
  }

  /** Goes over to a channel of the viewer's own. */
  #move(place: Place): void {
    if (place.isMember) return this.#ownChannels.move(place, this.#token);
    this.vacate(place.topic);
    this.#joinAlone(place, place.group!);
    place.endOld();
  }

  #joinAlone({ topic, frame }: Place, group: Group): void {
    const payload = { ...JSON.parse(group.options.share.payload), access_token: this.#token };
    this.#ownChannels.join(topic, encodeFrame(this.wire.vsn, { ...frame, payload }));
  }

  get #ownChannels(): OwnChannels {
    return this.#own ??= new OwnChannels(this, { ...this.options, wire: this.wire });
  }

  #reply(frame: Frame, status: "ok" | "error", response: Record<string, unknown>): void {
    this.deliver(encodeReply(this.wire.vsn, frame, status, response));
  }

  #unmatched(frame: Frame): void {
    this.#reply(frame, "error", { reason: UNMATCHED });
  }

  #tellClose(close: Close): void {
    this.#listener?.onClose(close);
    this.#listener = undefined;
  }

  #stop(): void {
    this.#isOver = true;
    for (const topic of [...this.#places.keys()]) this.vacate(topic);
    this.#own?.stop();
    this.options.onGone(this);
  }
}
