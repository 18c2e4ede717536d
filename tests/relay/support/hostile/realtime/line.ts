import type { Time } from "../world/time.ts";
import {
  fieldsOf,
  type Head,
  type Message,
  numberOf,
  readPush,
  serverFrame,
  sizeOf,
  type Vsn,
} from "../network/frames.ts";
import type { Far, UpstreamEnd } from "../network/upstream_end.ts";
import { Channel, type Wire } from "./channel.ts";
import { type Letter, Mailbox } from "./mailbox.ts";
import type { Push } from "./push.ts";
import type { Rights } from "./rights.ts";

/** What comes of a join: how long it waits for its answer, and why it is refused. */
export interface Judgement {
  wait: number;
  reason?: string;
}

/** Whose sockets these are. */
export interface Tenant {
  readonly time: Time;
  readonly rights: Rights;
  readonly place: { subscribeMs: number; mixedIds: boolean };
  /** Every socket that was ever asked for. */
  readonly dialled: readonly Line[];
  readonly world: Watcher;
  /** How many joins there may be. */
  readonly rate: { take(): boolean; refuse(): Judgement; flood(): void };
  forget(line: Line): void;
  /** A channel is over. */
  went(channel: Channel): void;
  /** `joined` channels are on that socket already. */
  judge(channel: Channel, token: string | undefined, joined: number): Judgement;
  /** A client's broadcast has come on this channel. */
  broadcast(from: Channel, n: number): void;
  /** Somebody is there. */
  diff(from: Channel): void;
}

/** Who knows what was sent, and looks at what is handed over. */
export interface Watcher {
  readonly pushes: ReadonlyMap<number, Push>;
  nextNumber(): number;
  /** The relay hands Realtime this. */
  relaySends(line: Line, message: Message): void;
}

/** Realtime closes a socket that says nothing for so long. */
const SILENCE_MS = 60_000;

type Fields = Head & { payload: unknown };

/** A frame above this is not parsed: the world knows by its number what is in it. */
const BIG = 20_000;

/**
 * A socket to Realtime, on its side. A socket is one process there, and its channels are others: while
 * a join is being answered, which takes 5 s where it is refused, nothing else on it is read or sent.
 * What its channels send waits among what its client sends, in the order in which it came.
 */
export class Line implements Far, Wire {
  /** By topic. */
  readonly channels = new Map<string, Channel>();
  isOver = false;
  /** Joins that were refused on it, for what they were and not for a pool that was busy. */
  refusals = 0;
  wasStalled = false;
  readonly idBase: number;
  readonly #mailbox = new Mailbox((letter) => this.#take(letter));
  /** Heartbeats that the relay has no answer to yet: when they were handed over. */
  readonly #beats = new Map<string | null, number>();
  #heardAt: number;

  constructor(readonly realtime: Tenant, readonly url: URL, readonly end: UpstreamEnd) {
    this.#heardAt = this.time.now;
    const { place, dialled } = realtime;
    this.idBase = place.mixedIds ? dialled.length % 2 : 0;
    this.#listen();
  }

  get time(): Time {
    return this.realtime.time;
  }

  get rights(): Rights {
    return this.realtime.rights;
  }

  get vsn(): Vsn {
    return this.url.searchParams.get("vsn") as Vsn;
  }

  /**
   * How long the relay has waited, awake as far as it knows, for the oldest heartbeat that is not answered, in
   * milliseconds.
   */
  get awaits(): number {
    const [oldest] = this.#beats.values();
    return oldest === undefined ? 0 : this.time.now - oldest - this.time.stoodKnownSince(oldest);
  }

  handed(message: Message): void {
    const head = typeof message === "string" && sizeOf(message) < 400
      ? fieldsOf(message)
      : undefined;
    if (head?.event === "heartbeat") this.#beats.set(head.ref, this.time.now);
    this.realtime.world.relaySends(this, message);
  }

  arrived(message: Message): void {
    if (typeof message !== "string" || sizeOf(message) > 400 || this.#beats.size === 0) return;
    const head = fieldsOf(message);
    if (head?.topic === "phoenix") this.#beats.delete(head.ref);
  }

  receive(message: Message): void {
    if (this.isOver) return;
    this.#heardAt = this.time.now;
    const isJoin = typeof message === "string" && sizeOf(message) < BIG &&
      fieldsOf(message)?.event === "phx_join";
    // The rate counts what comes, and not what has its turn.
    const isTooMany = isJoin && !this.realtime.rate.take();
    this.#mailbox.post({ kind: "frame", message, isTooMany });
  }

  hungUp(): void {
    this.over();
  }

  /** Its channels are gone. */
  over(): void {
    this.isOver = true;
    for (const channel of this.channels.values()) this.#kill(channel);
    this.channels.clear();
    this.#mailbox.clear();
    this.realtime.forget(this);
  }

  say(message: Message): void {
    this.#mailbox.post({ kind: "push", message });
  }

  tell(head: Head, payload: unknown): void {
    this.say(serverFrame(this.vsn, head, JSON.stringify(payload)));
  }

  finish(channel: Channel, event: "phx_close" | "phx_error"): void {
    if (channel.isDead) return;
    this.#kill(channel);
    this.#mailbox.post({ kind: "end", channel, event });
  }

  /** Nothing passes either way, or all that has waited does. */
  stall(isStalled: boolean): void {
    this.wasStalled ||= isStalled;
    if (this.end.isStalled && !isStalled) this.realtime.rate.flood();
    this.end.stall(isStalled);
  }

  /** The network loses the socket, or Realtime closes it without a word about its channels. */
  lose(code: number): void {
    this.over();
    this.end.end(code);
  }

  /** Closes the socket. */
  close(code: number): void {
    this.over();
    this.end.hangUp(code);
  }

  #kill(channel: Channel): void {
    channel.isDead = true;
    this.realtime.went(channel);
  }

  #listen(): void {
    this.time.after(SILENCE_MS + 1, () => {
      if (this.isOver) return;
      if (this.time.now - this.#heardAt > SILENCE_MS) this.close(1000);
      else this.#listen();
    });
  }

  #take(letter: Letter): void {
    if (this.isOver) return;
    if (letter.kind === "push") return this.end.say(letter.message);
    if (letter.kind === "end") return this.#ended(letter.channel, letter.event);
    const { message, isTooMany } = letter;
    if (typeof message !== "string") {
      const push = readPush(message);
      return push && this.#push(push, numberOf(message));
    }
    if (sizeOf(message) > BIG) {
      const push = this.realtime.world.pushes.get(numberOf(message) ?? 0);
      return push && this.#push({ ...push.head, event: "broadcast" }, push.n);
    }
    const frame = fieldsOf(message);
    if (frame) this.#takeFrame(frame, message, isTooMany);
  }

  #takeFrame(frame: Fields, message: string, isTooMany: boolean): void {
    if (frame.topic === "phoenix" && frame.event === "heartbeat") {
      return this.#answer(frame, "ok", {});
    }
    switch (frame.event) {
      case "phx_join":
        return this.#join(frame, isTooMany);
      case "phx_leave":
        return this.#leave(frame);
      case "access_token":
        return this.#sign(frame);
      case "broadcast":
        return this.#push(frame, numberOf(message));
      case "presence":
        return this.#track(frame);
    }
  }

  /** What the socket's process itself says goes out at once. */
  #answer(to: Head, status: "ok" | "error", response: unknown): void {
    const head = { ...to, event: "phx_reply" };
    this.end.say(serverFrame(this.vsn, head, JSON.stringify({ status, response })));
  }

  #ended(channel: Channel, event: "phx_close" | "phx_error"): void {
    const { topic } = channel;
    if (this.channels.get(topic) !== channel) return;
    this.channels.delete(topic);
    this.end.say(endOf(this.vsn, channel, event));
  }

  /** A channel of this topic is killed: what it sent waits where it came, and its end behind that. */
  #replace(topic: string): void {
    const old = this.channels.get(topic);
    if (!old) return;
    this.#kill(old);
    this.channels.delete(topic);
    this.#mailbox.withdrawEnd(old);
    this.say(endOf(this.vsn, old, "phx_close"));
  }

  #join(frame: Fields, isTooMany: boolean): void {
    const { access_token } = frame.payload as { access_token?: string };
    this.#mailbox.pause();
    this.#replace(frame.topic);
    const channel = new Channel(this, frame, frame.payload, access_token);
    const { wait, reason } = isTooMany
      ? this.realtime.rate.refuse()
      : this.realtime.judge(channel, access_token, this.channels.size);
    this.time.after(wait, () => {
      if (this.isOver) return;
      if (reason === undefined) this.#begin(channel, frame);
      else this.#refuse(frame, reason);
      // Realtime ends the whole socket of whoever joins too often, a moment after it was told.
      if (isTooMany) this.time.after(4, () => this.close(1001));
      else this.#mailbox.resume();
    });
  }

  #refuse(frame: Head, reason: string): void {
    if (!reason.startsWith("IncreaseConnectionPool")) this.refusals++;
    this.#answer(frame, "error", { reason });
  }

  #begin(channel: Channel, frame: Fields): void {
    const { topic, joinRef, config } = channel;
    const { access_token } = frame.payload as { access_token?: string };
    this.channels.set(topic, channel);
    if (access_token !== undefined) channel.sign(access_token);
    this.#answer(frame, "ok", { postgres_changes: channel.bindings });
    if (config.presence) this.tell({ joinRef, ref: null, topic, event: "presence_state" }, {});
    if (config.bindings.length === 0) return;
    this.time.after(this.realtime.place.subscribeMs, () => channel.subscribe());
  }

  /** The channel's process reads it next, unless a join behind it kills that first. */
  #leave(frame: Head): void {
    const channel = this.channels.get(frame.topic);
    if (!channel) return this.#answer(frame, "ok", {});
    // Of another join than the channel's: passed over, as Phoenix does.
    if (channel.joinRef !== null && channel.joinRef !== frame.joinRef) return;
    channel.isLeaving = true;
    this.time.after(0, () => {
      if (channel.isDead) return;
      this.#reply(channel, frame, "ok");
      this.finish(channel, "phx_close");
    });
  }

  /** The channel that takes a message; undefined where it is lost, or answered that there is none. */
  #channelFor(frame: Head): Channel | undefined {
    const channel = this.channels.get(frame.topic);
    if (!channel) this.#answer({ ...frame, joinRef: null }, "error", { reason: "unmatched topic" });
    else if (!channel.isDead && !channel.isLeaving) return channel;
  }

  /** A channel's answer names its own join, whatever the message named. */
  #reply({ joinRef }: Channel, to: Head, status: "ok" | "error"): void {
    this.tell({ ...to, joinRef, event: "phx_reply" }, { status, response: {} });
  }

  #sign(frame: Fields): void {
    const channel = this.#channelFor(frame);
    const { access_token } = frame.payload as { access_token?: string };
    if (!channel || access_token === undefined) return;
    channel.renew(access_token);
    if (channel.config.private && !channel.may("read")) {
      channel.expel("You do not have permissions");
    }
  }

  #push(frame: Head, n: number | undefined): void {
    const channel = this.#channelFor(frame);
    if (!channel || n === undefined || (channel.config.private && !channel.may("write"))) return;
    this.realtime.broadcast(channel, n);
    if (channel.config.ack) this.#reply(channel, frame, "ok");
  }

  #track(frame: Fields): void {
    const channel = this.#channelFor(frame);
    if (!channel?.track()) return;
    const isRefused = channel.config.private && !channel.may("write");
    this.#reply(channel, frame, isRefused ? "error" : "ok");
    if (!isRefused) this.realtime.diff(channel);
  }
}

function endOf(vsn: Vsn, { topic, joinRef }: Channel, event: "phx_close" | "phx_error"): string {
  const payload = event === "phx_error" ? { reason: "channel_crash" } : {};
  return serverFrame(vsn, { joinRef, ref: joinRef, topic, event }, JSON.stringify(payload));
}
