/**
 * The session: what outlives a socket. It is told what happens, with the time, and answers with what
 * is to be done (state.ts, Deed); whoever drives it owns sockets, timers and tokens.
 *
 * ```
 *                  opened                    proven
 *     no active ─────────▶ active, unproven ───────▶ active ◀──────────── moved ────────────┐
 *         ▲                                           │   │ another is proven              │
 *         │                 lost                      │   ▼                                │
 *         └───────────────────────────────────────────┴─ active and next ── all is ready ──┘
 * ```
 *
 * A frame of the application meets application.ts, one of a socket arrival.ts. Each channel is a
 * machine of its own (channel.ts); places.ts does what those want.
 */
import { backoff } from "../backoff.ts";
import type { Frame, Json } from "../frame.ts";
import type { Source } from "../gap/plan.ts";
import { cut, isReading, type Missing, type Part } from "../gap/track.ts";
import type { ChannelStatus } from "../status.ts";
import { fromApplication } from "./application.ts";
import { fromLink } from "./arrival.ts";
import { standing } from "./channel.ts";
import { deliver } from "./delivery.ts";
import type { Link } from "./link.ts";
import {
  adopt,
  changeUser,
  freshen,
  lookReady,
  lose,
  refuse,
  settle,
  take,
  thaw,
} from "./links.ts";
import { askTime, isJoining, tell } from "./places.ts";
import { type Deed, State } from "./state.ts";

/** An open socket answers within a second. After sleep it may be dead without having said so. */
const WAKE_MS = 5_000;

/** Realtime refuses a join after 5 s, and its socket takes nothing else meanwhile. */
const REFUSAL_MS = 6_000;

/** So often it is seen that the page runs: one that does so later stood still meanwhile. */
const AWAKE_MS = 5_000;
const LATE_MS = 2_000;

/** What the session is told by the connection. */
export type Word =
  /** It may be dead without having said so. */
  | { is: "woken"; link: Link }
  /** The active one is lost: this one takes over as it is. */
  | { is: "over"; link: Link }
  | { is: "refused"; reason: string }
  /** Somebody else is signed in than the one with this token. */
  | { is: "other user"; before: string | null }
  /** Who is signed in is the link's user, by this token. */
  | { is: "known"; link: Link; token: string | null };

/** What the session is told. */
export type Happening =
  | { is: "pushed"; frame: Frame; isOpen: boolean }
  | { is: "came"; link: Link; frame: Frame }
  /** A socket is open; the session asks it for a proof. */
  | { is: "opened"; link: Link }
  | { is: "lost"; link: Link }
  | Word
  | { is: "rows"; topic: string; part: Part; read: number; source: Source; rows: Json[] }
  /** No clock tells whether there was more. */
  | { is: "doubtful"; topic: string; part: Part; read: number }
  | { is: "read"; topic: string; part: Part; read: number; missing?: Missing }
  | { is: "failed"; topic: string; part: Part; read: number; reason: string; isFinal: boolean }
  /** Undefined where it could not be asked. */
  | { is: "time"; topic: string; time?: unknown }
  | { is: "due" };

export class Session extends State {
  /** What is to be done about it, in this order. */
  step(happening: Happening, now: number, chance: number): Deed[] {
    const awakeAt = (this.dues.get("#awake") ?? Infinity) - AWAKE_MS;
    const isLate = now > awakeAt + AWAKE_MS + LATE_MS;
    this.now = now;
    this.chance = chance;
    if (isLate) thaw(this, awakeAt);
    this.#take(happening);
    if (this.active && (isLate || !this.dues.has("#awake"))) this.wait("#awake", now + AWAKE_MS);
    return this.deeds.splice(0);
  }

  /** When it wants to be told that it is `due`. */
  get dueAt(): number {
    return Math.min(...this.dues.values());
  }

  get standings(): ChannelStatus[] {
    return [...this.known.values()]
      .filter((channel) => channel.refusal ?? this.channels.has(channel.topic))
      .map((channel) => standing(channel, this.active));
  }

  #take(what: Happening): void {
    switch (what.is) {
      case "pushed":
        return fromApplication(this, what.frame, what.isOpen);
      case "came":
        return fromLink(this, what.link, what.frame);
      case "opened":
        if (!this.active) adopt(this, what.link);
        return this.beat(what.link, { to: "alive" });
      case "woken":
        return this.beat(what.link, { to: "alive" }, WAKE_MS);
      case "over":
        return what.link.provenAt === undefined ? adopt(this, what.link) : take(this, what.link);
      case "lost":
        return lose(this, what.link);
      case "refused":
        return refuse(this, what.reason);
      case "other user":
        return changeUser(this, what.before);
      case "known":
        freshen(this, what.link, what.token);
        return what.link.muted ? settle(this, what.link) : undefined;
      case "due":
        return this.#due();
    }
    const channel = this.channels.get(what.topic);
    if (!channel) return;
    const { parts, told, ledger: { history } } = channel;
    if (what.is === "time") {
      if (what.time === undefined) {
        return this.wait(`#time ${what.topic}`, this.now + backoff(history.asked++, this.chance));
      }
      // Where something is missed at this moment, it is asked again behind that.
      if (told && parts.casts.at === "flowing" && !history.start) {
        history.begin(what.time, this.now);
      }
      return;
    }
    if (what.is !== "rows" && what.is !== "doubtful") return tell(this, channel, what);
    const { part } = what;
    if (!isReading(parts[part], what.read)) return;
    if (what.is === "doubtful") return void (parts[part] = cut(parts[part], this.now));
    const { catchUp, framesOf } = what.source;
    // The last message of all is the server's time.
    const last = catchUp.history && what.rows.at(-1)?.id === null ? what.rows.pop() : undefined;
    for (const { frame, row } of framesOf(what.rows)) {
      deliver(this, channel, { ...frame, topic: what.topic }, row);
    }
    if (last) history.begin(last[catchUp.time], this.now);
  }

  #due(): void {
    const due = [...this.dues].filter(([, at]) => at <= this.now).map(([name]) => name);
    for (const name of due) this.dues.delete(name);
    for (const name of due) {
      const [, what, about = ""] = /^#(\S+) ?(.*)/s.exec(name) ?? [];
      if (what === "ready") lookReady(this);
      else if (what === "settled") this.#settled();
      else if (what === "lost") this.#tell(about, "settled");
      else if (what === "time") this.#askTime(about);
      // "awake" is no link's: step() has seen when it came.
      else if (what) this.#silent(Number(what));
      else this.#tell(name, "due");
    }
  }

  #tell(topic: string, is: "settled" | "due"): void {
    const channel = this.channels.get(topic);
    if (channel) tell(this, channel, { is });
  }

  /** Where something is missed at this moment, it is asked behind that. */
  #askTime(topic: string): void {
    const channel = this.channels.get(topic);
    if (channel?.parts.casts.at === "flowing") askTime(this, channel);
  }

  /**
   * The overlap of two sockets is over, unless something of it is on its way: a page that stood still
   * is told that time has passed before it is given what came meanwhile.
   */
  #settled(): void {
    if (this.active?.overlap) this.beat(this.active, { to: "settled" });
  }

  #silent(id: number): void {
    const link = [this.active, this.next].find((link) => link?.id === id);
    if (!link) return;
    const since = Math.max(link.lastFrameAt, link.beats[0].at);
    if (isJoining(this, link) && this.now < since + REFUSAL_MS) {
      return this.wait(`#${id}`, since + REFUSAL_MS);
    }
    this.do({ is: "closed", link, code: 1006, reason: "The socket is silent." });
  }
}
