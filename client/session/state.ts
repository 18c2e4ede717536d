import type { CatchUp } from "../catch_up.ts";
import { type Frame, type Json, reply } from "../frame.ts";
import type { Source } from "../gap/plan.ts";
import { Skew } from "../gap/time.ts";
import type { Missing, Part } from "../gap/track.ts";
import type { Channel } from "./channel.ts";
import { expect, type Link, type Pending } from "./link.ts";
import { Queue } from "./queue.ts";

/** What the session wants done. It has no clock, timers, sockets or tokens of its own. */
export type Deed =
  | { do: "send"; link: Link; frame: Frame }
  /** To the application; `soon`: behind what runs now. */
  | { do: "deliver"; frame: Frame; soon?: boolean }
  /** To whoever pushes. */
  | { do: "throw"; reason: string }
  /** Reads tables, and says what came: `rows`, then `read` or `failed`. */
  | ({ do: "read" } & Reading)
  | { do: "stop"; topic: string; part: Part }
  /** Asks what time it is at the server, and says it: `time`. */
  | { do: "ask time"; topic: string; catchUp: CatchUp }
  | Word;

/** Tables that are read for a part of a topic. */
export interface Reading {
  topic: string;
  part: Part;
  /** Tells its answers from those of an earlier one. */
  read: number;
  sources: Source[];
  /** What cannot be read in any case. */
  missing?: Missing;
}

/** What the connection is told by the session. */
export type Word =
  /** Gives a link up, as if it had been closed with this code. */
  | { is: "closed"; link: Link; code?: number; reason: string }
  /** Somebody signed in or out: finds out who it is. Muted links wait for that. */
  | { is: "doubt" }
  /** Something behind the relay has answered on it. */
  | { is: "proven"; link: Link }
  /** The next link has taken over. */
  | { is: "moved"; link: Link }
  /** The relay speaks about the socket. */
  | { is: "notice"; link: Link; payload: Json };

/** What outlives a socket: the live joins, what the application has seen, what it has pushed. */
export class State {
  readonly channels = new Map<string, Channel>();
  /** These, and those that failed: the application may repeat such a join. */
  readonly known = new Map<string, Channel>();
  readonly queue: Queue;
  /** Carries the application's frames. */
  active?: Link;
  /** Is proven, and is to take over. */
  next?: Link;
  /** What the last active link brought, and what waited when it was lost. */
  kept: Frame[] = [];
  /** Why the relay lets nobody in; joins are answered with it. */
  refusal?: string;
  skew = new Skew();
  /** The newest token that a frame of the application carried; null after a sign-out. */
  inBand?: string | null;
  /** The last token of who signed out: it counts no more, though a frame may bring it again. */
  spent?: string;
  /** When the last event reached the application, and how many did by catching up. */
  readonly figures = { lastEventAt: undefined as number | undefined, caughtUp: 0 };
  /** When who wants to be told that time has passed: a topic, or one of the session's own waits. */
  readonly dues = new Map<string, number>();
  now = 0;
  chance = 0;
  deeds: Deed[] = [];
  #asked = 0;

  /** `asksToken`: the application gives tokens by token(), and those of its frames are but hints. */
  constructor(readonly catchUps: CatchUp[], maxQueueBytes: number, readonly asksToken = false) {
    this.queue = new Queue(maxQueueBytes);
  }

  /** How long identities are kept: twice the overlap in which events may be read again. */
  get keepMs(): number {
    return 2 *
      Math.max(30_000, ...this.catchUps.map(({ overlapMs }) => overlapMs));
  }

  do(deed: Deed): void {
    this.deeds.push(deed);
  }

  deliver(frame: Frame, soon = false): void {
    this.do({ do: "deliver", frame, soon });
  }

  /** Answers a push with an error. */
  fail(push: Frame, reason: string): void {
    this.deliver(reply(push, "error", { reason }));
  }

  send(link: Link, frame: Frame, answer?: Pending): void {
    if (answer) expect(link, frame.ref!, answer);
    this.do({ do: "send", link, frame });
  }

  /** Sends a push of the transport's own. The relay's refs begin `relay:`, and realtime-js counts. */
  push(link: Link, frame: Omit<Frame, "ref">, answer?: Pending): void {
    this.send(link, { ...frame, ref: `rt:${++this.#asked}` }, answer);
  }

  /** Asks for a sign of life behind all that was sent so far. */
  beat(link: Link, answer: Pending, ms?: number): void {
    this.push(link, { topic: "phoenix", event: "heartbeat", payload: {} }, answer);
    if (ms) this.await(link, `rt:${this.#asked}`, ms);
  }

  /** Gives the link up where the heartbeat is not answered in time. */
  await(link: Link, ref: string, ms: number): void {
    link.beats.push({ ref, at: this.now, until: this.now + ms });
    this.watch(link);
  }

  watch({ id, beats }: Link): void {
    this.wait(`#${id}`, Math.min(...beats.map(({ until }) => until)));
  }

  wait(name: string, at: number): void {
    if (at < Infinity) this.dues.set(name, at);
    else this.dues.delete(name);
  }
}
