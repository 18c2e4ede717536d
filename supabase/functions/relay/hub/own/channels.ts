import type { Awake } from "../../peer/awake.ts";
import type { Config } from "../../config/config.ts";
import { RelayError } from "../../errors.ts";
import { Kept, type Unsent } from "../../peer/unsent.ts";
import type { Dialled } from "../../realtime/dial.ts";
import { encodeFrame, encodeServerFrame, type Frame } from "../../realtime/phoenix.ts";
import type { Wire } from "../../realtime/upstream.ts";
import type { Close, Message } from "../../runtime.ts";
import type { Groups } from "../groups.ts";
import { Move } from "./move.ts";
import { OwnSocket } from "./socket.ts";
import type { Place } from "../place.ts";

export interface OwnChannelsOptions {
  wire: Wire;
  /** Opens a socket to Realtime. */
  dial(wire: Wire): Promise<Dialled>;
  groups: Groups;
  unsent: Unsent;
  config: Config;
  now(): number;
  awake: Pick<Awake, "after">;
}

/** Whose channels they are. */
export interface Owner {
  /** Takes what Realtime says to the viewer. */
  deliver(message: Message): void;
  /** Judges anew where a frame goes that had to wait. */
  send(message: Message, frame: Frame): void;
  /** Gives the seat up that the viewer has for this topic. */
  vacate(topic: string): void;
  closeChannel(join: Frame): void;
  fail(error: RelayError): void;
  closed(close: Close): void;
}

/** A viewer's channels by a socket of its own, and how those get there that were a group's. */
export class OwnChannels {
  readonly #socket: OwnSocket;
  /** The topics on which the viewer has sent something. */
  readonly #pushed = new Map<string, unknown>();
  /** What is kept for the viewer until its socket is open and its channels are joined. */
  readonly #kept: Kept;
  #refs = 0;
  #isOver = false;

  constructor(readonly owner: Owner, readonly options: OwnChannelsOptions) {
    const { dial, wire, unsent } = options;
    this.#kept = new Kept(unsent);
    this.#socket = new OwnSocket({
      dial: () => dial(wire),
      vsn: wire.vsn,
      unsent,
      kept: this.#kept,
      onFull: () => owner.fail(new RelayError("unread", "Realtime is too slow for this client.")),
      listener: {
        onMessage: (message) => owner.deliver(message),
        onClose: (close) => owner.closed(close),
      },
    });
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get bufferedAmount(): number | undefined {
    return this.#socket.bufferedAmount;
  }

  /** True for a topic that is joined by this socket. */
  has(topic: string): boolean {
    return this.#socket.topics.has(topic);
  }

  moveOf(topic: string): Move | undefined {
    return this.#socket.moves.get(topic);
  }

  /** `endOf` is a topic whose channel ends with the message: its group is left at once. */
  send(message: Message, endOf?: string): void {
    if (this.#isOver) return;
    if (endOf !== undefined) this.moveOf(endOf)?.leave();
    this.#socket.send(message);
  }

  join(topic: string, message: Message): void {
    if (this.#isOver) return;
    this.#socket.topics.add(topic);
    this.#socket.send(message);
  }

  /** Returns false where the topic was not joined by this socket. */
  leave({ topic, join_ref }: Frame, message: Message): boolean {
    const { topics, leaving } = this.#socket;
    if (!topics.delete(topic)) return false;
    // Of a channel that Realtime had refused it tells no end.
    this.#note(leaving, topic, { ...leaving.get(topic), joinRef: join_ref });
    this.send(message, topic);
    return true;
  }

  /** Sends what is no join, leave or token. */
  push(topic: string, message: Message): void {
    if (!this.#pushed.has(topic)) this.#note(this.#pushed, topic);
    this.send(message);
  }

  /** As many as may be joined, the latest ones. */
  #note<About>(topics: Map<string, About | undefined>, topic: string, about?: About): void {
    topics.delete(topic);
    topics.set(topic, about);
    const [oldest] = topics.keys();
    if (topics.size > this.options.config.maxJoins) topics.delete(oldest);
  }

  /**
   * False while Realtime has not ended a channel that was left: what comes of it is of that one. And
   * where the viewer has sent something, which may be on its way to the group as somebody else's.
   */
  mayShare(topic: string): boolean {
    return !this.#socket.leaving.has(topic) && !this.#pushed.has(topic);
  }

  /** Takes over a channel of which the viewer is a member, with this token where it has one. */
  move(place: Place, token: string | undefined): void {
    const { topic, frame, group } = place;
    if (this.#isOver || this.moveOf(topic)) return;
    const { owner, options: { wire: { vsn }, groups, config, now, awake } } = this;
    const { share } = group!.options;
    const payload = { ...JSON.parse(share.payload), access_token: token };
    const ref = `hub:${++this.#refs}`;
    const heartbeat = { ref, topic: "phoenix", event: "heartbeat", payload: {} };
    const sendAll = (held: [Message, Frame][]) => {
      for (const [message, frame] of held) owner.send(message, frame);
    };
    const move = new Move({
      ...{ vsn, topic, ref, now, awake },
      hasBindings: share.hasBindings,
      kept: this.#kept,
      timeoutMs: config.dialTimeoutMs,
      flushGroup: () => groups.flush(group!),
      flushOwn: () => this.send(encodeFrame(vsn, heartbeat)),
      deliver: (message) => owner.deliver(message),
      gapFrom: () => group!.gapFrom,
      onOwn: (held) => {
        this.#socket.topics.add(topic);
        sendAll(held);
      },
      onLeave: () => owner.vacate(topic),
      answer: group!.answer,
      onUnknown: (held) => {
        this.#disown(frame, ref);
        sendAll(held);
      },
      onRefused: (reason, held) => {
        this.#evict(frame, reason);
        sendAll(held);
      },
      onDone: () => this.#socket.moves.delete(topic),
      onFail: () => owner.fail(new RelayError("upstream_timeout", "Realtime answered no join.")),
      onFull: () => owner.fail(new RelayError("upstream_timeout", "Too much waits for a join.")),
    });
    this.#socket.moves.set(topic, move);
    place.hurry();
    this.send(encodeFrame(vsn, { ...frame, ref, payload }));
  }

  /** No move goes on; what it kept is given back. */
  stop(): void {
    this.#isOver = true;
    this.#socket.moves.forEach((move) => move.stop());
  }

  /** Returns false where no `closed` will follow. */
  close(code: number): boolean {
    return this.#socket.close(code);
  }

  /** Leaves what it has joined for the viewer, who hears nothing of that: it is to join anew. */
  #disown(join: Frame, ref: string): void {
    const { owner, options: { wire: { vsn } } } = this;
    const { topic, join_ref } = join;
    this.#socket.moves.delete(topic);
    owner.vacate(topic);
    this.#note(this.#socket.leaving, topic, {
      joinRef: join_ref,
      untold: [JSON.stringify(join_ref), JSON.stringify(ref)],
    });
    this.send(encodeFrame(vsn, { ...join, ref, event: "phx_leave", payload: {} }));
    const end = { ...join, ref: join_ref, event: "phx_error", payload: {} };
    owner.deliver(encodeServerFrame(vsn, end));
  }

  /** As Realtime ends a channel whose new token may not read it. */
  #evict(join: Frame, message: string): void {
    const { owner, options: { wire: { vsn } } } = this;
    const { topic } = join;
    this.#socket.moves.delete(topic);
    owner.vacate(topic);
    const channel = topic.replace(/^realtime:/, "");
    const payload = { message, status: "error", extension: "system", channel };
    owner.deliver(encodeServerFrame(vsn, { ...join, ref: null, event: "system", payload }));
    owner.closeChannel(join);
  }
}
