import type { CatchUp } from "./catch_up.ts";
import type { Channel } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { admit } from "./delivery.ts";
import { type Frame, type Json, reply } from "./frame.ts";
import { openGap, recover } from "./gap.ts";
import { LAST_ANSWER_MS, type Overlap, READY_MS, SETTLE_MS } from "./handover.ts";
import { expect, type Link, type Place } from "./link.ts";
import { send } from "./outgoing.ts";
import { place, placeAll } from "./place.ts";
import { Queue } from "./queue.ts";
import { deliverReplay } from "./read_gap.ts";
import { isAtLeastAsFresh, userOf } from "./token.ts";

/** What the session asks of the world: it has no clock, timers or sockets of its own. */
export interface Port {
  readonly clock: Pick<Clock, "now" | "random" | "later">;
  /** To the application. */
  deliver(frame: Frame): void;
  /** False where the link takes no more, and will be lost. */
  send(link: Link, frame: Frame): boolean;
  /** The active link carries: something behind the relay has answered. */
  live(link: Link): void;
  /** Gives a link up, as if it had been closed with this code. */
  end(link: Link, code: number | undefined, reason: string): void;
  /** Finds out who is signed in, by which token: a muted link waits for that. */
  check(link: Link): void;
  /** The relay speaks about the socket. */
  notice(link: Link, payload: Json): void;
}

/**
 * What outlives a socket: the live joins, what the application has seen, what it has pushed. Driven
 * by frames of both sides; what follows goes through the port.
 */
export class Session {
  readonly channels = new Map<string, Channel>();
  /** These, and those that failed: the application may repeat such a join. */
  readonly known = new Map<string, Channel>();
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
  /** When the last event reached the application, and how many did by catching up. */
  readonly figures = { lastEventAt: undefined as number | undefined, caughtUp: 0 };
  #asked = 0;

  constructor(readonly port: Port, readonly catchUps: CatchUp[], maxQueueBytes: number) {
    this.queue = new Queue(maxQueueBytes);
  }

  /** How long identities are kept: twice the overlap in which events may be read again. */
  get keepMs(): number {
    return 2 * Math.max(30_000, ...this.catchUps.map(({ overlapMs }) => overlapMs));
  }

  /** Makes an open socket the active one. Only new joins go out before the link is proven. */
  adopt(link: Link): void {
    this.active = link;
    placeAll(this, link);
  }

  /** The link carries. Beside an active one it is subscribed to take over. */
  prove(link: Link): void {
    const { port, inBand } = this;
    link.provenAt = port.clock.now();
    this.refusal = undefined;
    const known = userOf(link.token);
    if (inBand !== undefined && known !== null && userOf(inBand) !== known) this.doubt(link);
    if (!this.active || this.active === link) {
      this.active = link;
      port.live(link);
    } else {
      this.next = link;
      this.overlap = new Map();
      this.due(link, READY_MS, () => this.next !== link || this.#isReady());
    }
    placeAll(this, link);
    this.considerSwitch();
  }

  /** Asks who is signed in; nothing of the link passes until then. */
  doubt(link: Link): void {
    link.muted = true;
    this.port.check(link);
  }

  #isReady(): boolean {
    return [...this.channels.values()].every(({ topic, acked }) =>
      !acked || this.next?.places.get(topic)?.ready
    );
  }

  /** What the old socket had in flight comes before its answer to a heartbeat. */
  considerSwitch(): void {
    const { active, next } = this;
    if (!active || !next || !this.#isReady()) return;
    this.ask(active, () => {
      if (this.active === active && this.next === next && this.#isReady()) this.switch(next);
    }, LAST_ANSWER_MS);
  }

  /** Calls back when the link has answered all that it was sent before; ends it if that is late. */
  ask(link: Link, then: () => void, ms?: number): void {
    const ref = this.push(link, "phoenix", "heartbeat");
    expect(link, ref, (answer) => answer && then());
    if (ms) this.due(link, ms, () => !link.pending.has(ref));
  }

  /** Ends a link that has not done in time what it should, as if the network had closed it. */
  due(link: Link, ms: number, isDone: () => unknown): void {
    this.port.clock.later(`due ${++this.#asked}`, ms, () => {
      if (!isDone()) this.port.end(link, 1006, "the socket is silent");
    });
  }

  /** Answers a push with an error. */
  fail(push: Frame, reason: string): void {
    this.port.deliver(reply(push, "error", { reason }));
  }

  /** Sends a push of the transport's own. The relay's refs begin `relay:`, and realtime-js counts. */
  push(link: Link, topic: string, event: string, payload: Json = {}, join_ref?: string): string {
    const ref = `rt:${++this.#asked}`;
    this.port.send(link, { join_ref, ref, topic, event, payload });
    return ref;
  }

  /** Lets the next link take over; topics that are not ready there have a gap. */
  switch(next: Link): void {
    const { active: old, overlap, port } = this;
    this.active = next;
    this.next = undefined;
    for (const channel of this.channels.values()) {
      const there = next.places.get(channel.topic);
      if (channel.acked && !there?.ready) openGap(this, channel, old?.lastFrameAt);
      if (!there) place(this, next, channel);
      else if (channel.gap && there.ready) recover(this, there);
      else if (!channel.gap) {
        // Asked for before the active link closed the gap, and maybe not whole yet.
        if (!next.muted) deliverReplay(this, there);
        there.spent = true;
      }
      if (there?.joined) this.#flushQueue(there);
    }
    this.release(next);
    port.live(next);
    if (!old) return;
    port.clock.later(`settle ${next.provenAt}`, SETTLE_MS, () => {
      // The next handover may have begun.
      if (this.overlap === overlap) this.overlap = undefined;
      port.end(old, 1000, "");
    });
  }

  /** Sends what waited for the topic: the last track, then the pushes. */
  flush(there: Place): void {
    const { link, channel } = there;
    const { track } = channel;
    if (track) this.port.send(link, track);
    if (link === this.active) this.#flushQueue(there);
  }

  #flushQueue({ link, channel }: Place): void {
    for (const frame of this.queue.take(({ topic }) => topic === channel.topic)) {
      send(this, link, frame, channel);
    }
  }

  /** Delivers what was held and waits for nothing any more. */
  release(link: Link): void {
    const { held } = link;
    link.held = [];
    for (const frame of held) admit(this, link, frame);
  }

  /** The socket ended. What it missed is read again once another is there. */
  lose(link: Link): void {
    if (link === this.next) this.next = undefined;
    if (link === this.active) {
      this.active = undefined;
      for (const channel of this.channels.values()) {
        if (channel.acked) openGap(this, channel, link.lastFrameAt);
      }
    }
    for (const lost of link.pending.values()) lost();
  }

  /** Answers every join that nobody has answered yet, and those to come until a link is proven. */
  refuse(reason: string): void {
    this.refusal = reason;
    for (const { acked, topic, join } of this.channels.values()) {
      if (acked) continue;
      this.channels.delete(topic);
      this.fail(join, reason);
    }
  }

  /** Nothing of one user reaches the next: neither what waits to be sent nor what waits to be read. */
  changeUser(): void {
    const now = this.port.clock.now();
    for (const frame of this.queue.take(() => true)) {
      this.fail(frame, "signed_out: Another user is signed in.");
    }
    for (const channel of this.known.values()) {
      channel.track = undefined;
      channel.last.clear();
      channel.joinedAt &&= now;
      channel.gap &&= now;
    }
  }

  /** It is who it was: what waited for that goes on. */
  settle(link: Link): void {
    link.muted = false;
    placeAll(this, link, true);
    this.release(link);
    for (const there of link.places.values()) if (there.ready) recover(this, there);
  }

  /** Tells every joined topic of a newer token. */
  freshen(link: Link, token: string | null): void {
    if (token === link.token || !isAtLeastAsFresh(token, link.token)) return;
    link.token = token;
    for (const [topic, { joined, channel }] of link.places) {
      if (!joined) continue;
      this.push(link, topic, "access_token", { access_token: token }, channel.join.join_ref!);
    }
  }
}
