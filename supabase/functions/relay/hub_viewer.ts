import { type Close, closeOf } from "./close.ts";
import type { Config } from "./config.ts";
import type { Listener, Upstream } from "./dial.ts";
import { RelayError } from "./errors.ts";
import type { Groups } from "./hub.ts";
import { Move } from "./hub_move.ts";
import { OwnSocket } from "./hub_own.ts";
import { Place } from "./hub_place.ts";
import {
  encodeFrame,
  encodeReply,
  encodeServerFrame,
  type Frame,
  frameOfBinary,
  parseFrame,
  topicOfBinary,
} from "./phoenix.ts";
import { CLOSED, type Message, OPEN, type Socket } from "./runtime.ts";
import { shareOf } from "./share_key.ts";
import type { Unsent } from "./unsent.ts";
import type { Wire } from "./upstream.ts";

/** What all viewers of a worker share. */
export interface ViewerOptions {
  /** Opens a socket of a viewer's own. */
  dial(wire: Wire): Promise<Upstream>;
  groups: Groups;
  unsent: Unsent;
  config: Config;
}

/**
 * What an anonymous viewer has in place of a socket to Realtime. To the tunnel it looks like one, and
 * what is sent to it has passed the gate. It answers as Realtime does, takes a place in a group for
 * each join that may be shared, and dials a socket of the viewer's own when a frame needs one.
 */
export class Viewer implements Upstream, Socket {
  binaryType: BinaryType = "arraybuffer";
  readonly #places = new Map<string, Place>();
  /** The viewer's own socket: of thousands, most never have one. */
  #own: OwnSocket | undefined;
  #refs = 0;
  /** Of the user whom a frame named. */
  #token: string | undefined;
  #isOver = false;
  #listener: Listener | undefined;

  /** `key` is the public one that the viewer brought. */
  constructor(readonly wire: Wire, readonly key: string, readonly options: ViewerOptions) {}

  get socket(): Socket {
    return this;
  }

  /** Nobody has to listen to it as to a socket: `listen` says all. */
  addEventListener(): void {}

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  get readyState(): typeof OPEN | typeof CLOSED {
    return this.#isOver ? CLOSED : OPEN;
  }

  get bufferedAmount(): number | undefined {
    return this.#own?.bufferedAmount;
  }

  send(message: Message): void {
    const { vsn } = this.wire;
    if (typeof message !== "string") {
      const topic = topicOfBinary(message);
      return topic === undefined ? undefined : this.#push(frameOfBinary(message, topic), message);
    }
    const frame = parseFrame(vsn, message);
    if (!frame || this.#own?.moves.get(frame.topic)?.holds(message)) return;
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
    this.#closed(closeOf(error));
  }

  /** Takes what the group has for this place. */
  received({ topic }: Place, message: Message): void {
    const move = this.#own?.moves.get(topic);
    if (move) move.fromGroup(message);
    else this.deliver(message);
  }

  /** The group's channel is gone. One of the viewer's own that is being joined stays. */
  dismissed(place: Place, message: string): void {
    if (this.#places.get(place.topic) === place) this.#places.delete(place.topic);
    if (!this.#own?.moves.has(place.topic)) this.deliver(message);
  }

  /** phx_close, as Realtime sends it when a channel ends. */
  closeChannel({ topic, ref, join_ref = ref }: Frame): void {
    const frame = { topic, event: "phx_close", payload: {}, ref: join_ref, join_ref };
    this.deliver(encodeServerFrame(this.wire.vsn, frame));
  }

  /** A socket of the viewer's own needs them as well. */
  #beat(frame: Frame, message: Message): void {
    if (this.#own?.isOpen) this.#own.send(message);
    else this.#reply(frame, "ok", {});
  }

  #join(frame: Frame, message: Message): void {
    const { wire: { vsn }, key, options: { groups } } = this;
    const { topic } = frame;
    this.#noteToken(frame);
    if (this.#own?.topics.has(topic)) return this.#sendOwn(message, topic);
    if (!topic.startsWith("realtime:")) return this.#unmatched(frame);
    const old = this.#vacate(topic)?.frame;
    const share = this.#token === undefined ? shareOf(vsn, key, frame) : undefined;
    if (share) {
      const place = new Place(this, frame, old);
      this.#places.set(topic, place);
      place.group = groups.join(vsn, topic, share, place);
      if (place.group) return;
      this.#places.delete(topic);
    }
    this.#joinOwn(topic, message);
    if (old) this.closeChannel(old);
  }

  #leave(frame: Frame, message: Message): void {
    if (this.#own?.topics.delete(frame.topic)) return this.#sendOwn(message, frame.topic);
    const place = this.#vacate(frame.topic);
    this.#reply(frame, "ok", {});
    if (place) this.closeChannel(place.frame);
  }

  #sign(frame: Frame, message: Message): void {
    if (this.#own?.topics.has(frame.topic)) this.#sendOwn(message);
    this.#noteToken(frame);
  }

  #push(frame: Frame, message: Message): void {
    const { topic } = frame;
    const place = this.#places.get(topic);
    if (place) this.#move(place);
    if (this.#own?.moves.get(topic)?.holds(message)) return;
    if (this.#own?.topics.has(topic)) this.#sendOwn(message);
    else this.#unmatched(frame);
  }

  /** A token that passed the gate is a user's: from now on nothing of this viewer is shared. */
  #noteToken({ payload }: Frame): void {
    const { access_token } = (payload ?? {}) as { access_token?: string };
    if (access_token === undefined) return;
    this.#token = access_token;
    for (const place of [...this.#places.values()]) this.#move(place);
  }

  /** Goes over to a channel of the viewer's own. */
  #move({ topic, frame, group, isMember }: Place): void {
    const { vsn } = this.wire;
    const { share } = group!.options;
    const payload = { ...JSON.parse(share.payload), access_token: this.#token };
    if (!isMember) {
      this.#vacate(topic);
      return this.#joinOwn(topic, encodeFrame(vsn, { ...frame, payload }));
    }
    const own = this.#dialled();
    if (own.moves.has(topic)) return;
    const { groups, config } = this.options;
    const ref = `hub:${++this.#refs}`;
    const heartbeat = { ref, topic: "phoenix", event: "heartbeat", payload: {} };
    const move = new Move({
      vsn,
      ref,
      hasBindings: share.hasBindings,
      maxHeldBytes: config.maxUnsentBytes,
      timeoutMs: config.dialTimeoutMs,
      flushGroup: () => groups.flush(group!),
      flushOwn: () => this.#sendOwn(encodeFrame(vsn, heartbeat)),
      deliver: (message) => this.deliver(message),
      onOwn: (held) => {
        own.topics.add(topic);
        for (const message of held) this.send(message);
      },
      onLeave: () => this.#vacate(topic),
      onRefused: (reason) => this.#evict(frame, reason),
      onDone: () => own.moves.delete(topic),
      onFail: () => this.fail(new RelayError("upstream_timeout", "Realtime answered no join.")),
    });
    own.moves.set(topic, move);
    this.#sendOwn(encodeFrame(vsn, { ...frame, ref, payload }));
  }

  /** As Realtime ends a channel whose new token may not read it. */
  #evict(frame: Frame, message: string): void {
    const { topic } = frame;
    this.#own?.moves.delete(topic);
    this.#vacate(topic);
    const channel = topic.replace(/^realtime:/, "");
    const payload = { message, status: "error", extension: "system", channel };
    const system = { ...frame, ref: null, event: "system", payload };
    this.deliver(encodeServerFrame(this.wire.vsn, system));
    this.closeChannel(frame);
  }

  #vacate(topic: string): Place | undefined {
    const place = this.#places.get(topic);
    if (!place) return undefined;
    this.#places.delete(topic);
    if (place.group) this.options.groups.leave(place.group, place);
    return place;
  }

  #joinOwn(topic: string, message: Message): void {
    if (this.#isOver) return;
    this.#dialled().topics.add(topic);
    this.#sendOwn(message);
  }

  /** `endOf` is a topic whose channel ends with the message: its group is left at once. */
  #sendOwn(message: Message, endOf?: string): void {
    if (this.#isOver) return;
    if (endOf !== undefined) this.#own?.moves.get(endOf)?.leave();
    this.#dialled().send(message);
  }

  #dialled(): OwnSocket {
    const { dial, unsent } = this.options;
    return this.#own ??= new OwnSocket({
      dial: () => dial(this.wire),
      vsn: this.wire.vsn,
      unsent,
      listener: {
        onMessage: (message) => this.deliver(message),
        onClose: (close) => this.#closed(close),
      },
    });
  }

  #reply(frame: Frame, status: "ok" | "error", response: Record<string, unknown>): void {
    this.deliver(encodeReply(this.wire.vsn, frame, status, response));
  }

  #unmatched(frame: Frame): void {
    this.#reply(frame, "error", { reason: "unmatched topic" });
  }

  #closed(close: Close): void {
    if (!this.#isOver) this.#stop();
    this.#own?.close(1000);
    this.#tellClose(close);
  }

  #tellClose(close: Close): void {
    this.#listener?.onClose(close);
    this.#listener = undefined;
  }

  #stop(): void {
    this.#isOver = true;
    for (const topic of [...this.#places.keys()]) this.#vacate(topic);
    this.#own?.moves.forEach((move) => move.stop());
    this.options.groups.gone(this);
  }
}
