import type { CatchUp, Mirror } from "./catch_up.ts";
import { type Channel, isAnswered, isPrivate } from "./channel.ts";
import { admit } from "./delivery.ts";
import { mirrorOf } from "./events.ts";
import { type Data, encode, type Frame, type Json, reply, type Vsn } from "./frame.ts";
import { openGap } from "./gap.ts";
import type { Overlap } from "./handover.ts";
import { expect, type Link } from "./link.ts";
import { place } from "./place.ts";
import { Queue } from "./queue.ts";
import { userOf } from "./token.ts";

/** What the session asks of the world: it has no clock, timers or sockets of its own. */
export interface Port {
  now(): number;
  /** To the application. */
  deliver(data: Data): void;
  /** False where the link takes no more, and will be lost. */
  send(link: Link, data: Data): boolean;
  /** The link carries: something behind the relay has answered. */
  proven(link: Link): void;
  /** The next link has every topic: the old one may go once its pushes are answered. */
  switched(old: Link): void;
  /** The topic is subscribed again: read what it missed, then call finish(). */
  missed(channel: Channel, link: Link): void;
  /** A live topic was not let in again. */
  failed(channel: Channel, link: Link, reason: string): void;
  expired(link: Link): void;
  /** A frame names another user, or none: find out who is signed in. */
  doubt(link: Link): void;
  /** The relay speaks about the socket. */
  notice(link: Link, payload: Json): void;
  /** The relay has lost events of a topic. */
  lost(channel: Channel, link: Link): void;
  /** A heartbeat went out. */
  beat(link: Link): void;
  /** The next link waits for nothing but this one's last answer. */
  awaited(old: Link): void;
}

/** Refs of the transport's own pushes; the relay's begin `relay:`, realtime-js counts. */
export const OWN_REF = "rt:";

/**
 * What outlives a socket: the live joins, what the application has seen, what it has pushed. Driven
 * by frames of both sides; what follows goes through the port.
 */
export class Session {
  readonly channels = new Map<string, Channel>();
  readonly memories = new Map<string, Channel["memory"]>();
  readonly queue: Queue;
  /** Carries the application's frames. */
  active?: Link;
  /** Is to take over. */
  next?: Link;
  overlap?: Overlap;
  /** Why the relay lets nobody in; joins are answered with it. */
  refusal?: string;
  /** The server's clock less ours, as far as events have told. */
  skew?: number;
  /** The newest token that a frame of the application carried; null after a sign-out. */
  inBand?: string | null;
  /** When the last event reached the application. */
  lastEventAt?: number;
  /** Events delivered by catching up. */
  caughtUp = 0;
  #refs = 0;

  constructor(
    readonly vsn: Vsn,
    readonly port: Port,
    readonly catchUps: CatchUp[],
    maxQueueBytes: number,
  ) {
    this.queue = new Queue(maxQueueBytes);
  }

  /** How long identities are kept: twice the overlap in which events may be read again. */
  get keepMs(): number {
    return 2 * Math.max(30_000, ...this.catchUps.map(({ overlapMs }) => overlapMs));
  }

  ref = (): string => `${OWN_REF}${++this.#refs}`;

  tell(frame: Frame): void {
    this.port.deliver(encode(this.vsn, frame));
  }

  /** Makes an open socket the active one. Only new joins go out before the link is proven. */
  adopt(link: Link): void {
    this.active = link;
    this.placeAll(link);
  }

  prove(link: Link): void {
    link.proven = true;
    this.refusal = undefined;
    if (this.inBand !== undefined && link.user !== null && userOf(this.inBand) !== link.user) {
      link.muted = true;
      this.port.doubt(link);
    }
    this.port.proven(link);
    this.placeAll(link);
  }

  /** Begins to subscribe a proven link, while the active one goes on. */
  follow(link: Link, overlap: Overlap): void {
    this.next = link;
    this.overlap = overlap;
    this.placeAll(link);
    this.#considerSwitch(link);
  }

  placeAll(link: Link): void {
    if (link.muted) return;
    for (const channel of this.channels.values()) {
      if (!link.places.has(channel.topic)) place(this, link, channel);
    }
  }

  /** True where Realtime itself can send again what a topic missed. */
  isReplayed(channel: Channel): boolean {
    return isPrivate(channel) && !this.mirrorOf(channel);
  }

  mirrorOf(channel: Channel): [CatchUp, Mirror] | undefined {
    return mirrorOf(this.catchUps, channel.topic);
  }

  /** All that a topic waited for on this link has come. */
  ready(link: Link, channel: Channel): void {
    if (link === this.next) return this.#considerSwitch(link);
    if (link !== this.active || !channel.acked) return;
    if (channel.memory.gap) this.port.missed(channel, link);
  }

  /** What the old socket had in flight comes before its answer to a heartbeat. */
  #considerSwitch(next: Link): void {
    const old = this.active;
    const isReady = () => [...this.channels.keys()].every((topic) => next.places.get(topic)?.ready);
    if (!old || !isReady()) return;
    this.port.awaited(old);
    this.barrier(old, () => {
      if (this.active === old && this.next === next && isReady()) this.switch(next);
    });
  }

  /** Calls back when the link has answered all that it was sent before. */
  barrier(link: Link, then: () => void): void {
    const ref = this.ref();
    link.barriers.set(ref, then);
    this.port.send(
      link,
      encode(this.vsn, { ref, topic: "phoenix", event: "heartbeat", payload: {} }),
    );
  }

  /** Lets the next link take over; topics that are not ready there have a gap. */
  switch(next: Link): void {
    const old = this.active;
    this.active = next;
    this.next = undefined;
    for (const channel of this.channels.values()) {
      const there = next.places.get(channel.topic);
      if (!channel.acked && there?.answer) this.acknowledge(next, channel, there.answer.data);
      else if (channel.acked && !there?.ready) openGap(this, channel, old?.lastFrameAt);
      const { gap } = channel.memory;
      if (!there || (gap && there.joined && this.isReplayed(channel))) place(this, next, channel);
      else if (there.ready && channel.acked && gap) this.port.missed(channel, next);
      if (there?.joined) this.#flushQueue(next, channel);
    }
    this.release(next);
    if (old) this.port.switched(old);
  }

  /** The application hears that it is joined. */
  acknowledge(link: Link, channel: Channel, data: Data): void {
    channel.acked = true;
    channel.memory.joinedAt ??= this.port.now();
    this.port.deliver(data);
    for (const extension of link.places.get(channel.topic)!.reported) {
      channel.reported.add(extension);
    }
  }

  /** Sends what waited for the topic: the last track, then the pushes. */
  flush(link: Link, channel: Channel): void {
    if (channel.track && !link.pending.has(channel.track.frame.ref ?? "")) {
      this.port.send(link, encode(this.vsn, channel.track.frame));
    }
    if (link === this.active) this.#flushQueue(link, channel);
  }

  #flushQueue(link: Link, channel: Channel): void {
    for (const { frame, data } of this.queue.take(channel.topic)) {
      if (isAnswered(channel, frame)) expect(link, frame);
      this.port.send(link, data);
    }
  }

  /** Delivers what was held and waits for nothing any more. */
  release(link: Link): void {
    if (link.muted) return;
    const held = link.held;
    link.held = [];
    for (const { frame, data } of held) admit(this, link, frame, data);
  }

  /** The socket ended. What it missed is read again once another is there. */
  lose(link: Link): void {
    if (link === this.next) this.next = undefined;
    if (link !== this.active) return;
    this.active = undefined;
    for (const frame of link.pending.values()) this.#answerLost(frame);
    for (const channel of this.channels.values()) {
      if (channel.acked) openGap(this, channel, link.lastFrameAt);
    }
  }

  #answerLost(frame: Frame): void {
    const { topic, event, ref, join_ref } = frame;
    if (this.channels.get(topic)?.track?.frame.ref === ref) return; // Repeated on the next link.
    const isOver = event === "heartbeat" || event === "phx_leave";
    const reason = "connection_lost: It is not known whether the push arrived.";
    this.tell(isOver ? reply(frame, "ok") : reply(frame, "error", { reason }));
    if (event === "phx_leave") this.tell({ topic, event: "phx_close", ref: join_ref, payload: {} });
  }

  /** Answers every join that nobody has answered yet, and those to come until a link is proven. */
  refuse(reason: string): void {
    this.refusal = reason;
    for (const channel of this.channels.values()) {
      if (channel.acked) continue;
      this.channels.delete(channel.topic);
      this.tell(reply(channel.join, "error", { reason }));
    }
  }

  /** Nothing of one user reaches the next: neither what waits to be sent nor what waits to be read. */
  changeUser(): void {
    const now = this.port.now();
    for (const { frame } of this.queue.clear()) {
      this.tell(reply(frame, "error", { reason: "signed_out: Another user is signed in." }));
    }
    for (const channel of this.channels.values()) {
      channel.track = undefined;
      const { memory } = channel;
      memory.last.clear();
      memory.lastBroadcast = undefined;
      memory.joinedAt = memory.joinedAt && now;
      if (memory.gap) memory.gap.from = now;
    }
  }

  /** It is who it was: what waited for that goes on. */
  settle(link: Link): void {
    link.muted = false;
    for (const channel of this.channels.values()) {
      if (!link.places.has(channel.topic)) place(this, link, channel, true);
    }
    this.release(link);
  }

  /** Tells every joined topic of a newer token. */
  freshen(link: Link, token: string): void {
    link.token = token;
    for (const [topic, { joined }] of link.places) {
      const channel = this.channels.get(topic);
      if (!joined || !channel) continue;
      const { join_ref } = channel.join;
      const frame = { join_ref, ref: this.ref(), topic, event: "access_token" };
      this.port.send(link, encode(this.vsn, { ...frame, payload: { access_token: token } }));
    }
  }
}
