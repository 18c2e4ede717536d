import { backoff } from "../backoff.ts";
import type { Link } from "../session/link.ts";
import type { RelayStatus } from "../status.ts";
import type { Act, Moment, Options, Way, Why } from "./way.ts";
import { NO_ANSWER } from "./words.ts";

/** token() reads a store, or refreshes a session over the network. */
const ASK_MS = 10_000;

/** How often a refused client looks for another token, and one whose token ends for a newer one. */
export const POLL_MS = 5_000;

/** How the connection stands, and the small steps that all its transitions are made of. */
export class Standing {
  way: Way = { at: "idle" };
  active?: Link;
  isOn = false;
  /** Behind a switch, until it is closed. */
  leaving?: { link: Link; until: number };
  why: Why = {};
  attempts = 0;
  wasLive = false;
  wasRefused = false;
  /** Since when a call of token() is open. */
  askedAt?: number;
  /** It does not answer. */
  isLate = false;
  /** It was asked before somebody signed in or out: its answer does not count. */
  isStaleAnswer = false;
  /** When to move to another socket. */
  moveAt = Infinity;
  /** The active link's token, once it ends soon: when that is, and when another is asked for. */
  ending?: { of: string | null; endsAt: number; askAt: number };
  /** The newest link, which knows whose session it is. */
  last?: Link;
  /** The last token that was dialled with, where it was good by this machine's clock. */
  good?: string | null;
  links = 0;
  at: Moment = { now: 0, chance: 0, isOffline: false };
  acts: Act[] = [];

  constructor(readonly options: Options) {}

  /** When it wants to be told that it is `due`. */
  get dueAt(): number {
    const { way } = this;
    if (!this.isOn) return Infinity;
    const own = way.at === "refused" ? way.pollAt : "until" in way ? way.until : Infinity;
    const move = way.at === "idle" ? this.moveAt : Infinity;
    const leaving = this.leaving?.until ?? Infinity;
    return Math.min(own, this.lateAt, leaving, move, this.ending?.askAt ?? Infinity);
  }

  /** When an open call of token() has not answered for too long. */
  get lateAt(): number {
    return this.askedAt === undefined || this.isLate ? Infinity : this.askedAt + ASK_MS;
  }

  /** How the way to Realtime stands: nothing but `active` and `way` decides. */
  get status(): Pick<RelayStatus, "state" | "code" | "reason" | "retryAt"> {
    const { way, active, isOn } = this;
    if (!isOn) return { state: "closed" };
    const late = this.isLate && { reason: NO_ANSWER };
    if (active) return { state: "live", ...late };
    if (way.at === "refused") return { state: "refused", ...this.why };
    const why = { ...this.why, ...late, ...(way.at === "waiting" && { retryAt: way.until }) };
    if (way.at === "waiting" && this.at.isOffline) return { state: "offline", ...why };
    const isFirst = !this.wasLive && !("reason" in this.why);
    return { state: isFirst ? "connecting" : "reconnecting", ...why };
  }

  /** The link that is on its way, beside the active one if there is one. */
  get beside(): Link | undefined {
    return "link" in this.way ? this.way.link : undefined;
  }

  do(act: Act): void {
    this.acts.push(act);
  }

  /** Calls token(), unless a call is open. */
  ask(): void {
    if (this.askedAt !== undefined) return;
    this.askedAt = this.at.now;
    this.do({ do: "ask" });
  }

  /** Closes a link for good; nothing of it follows. */
  close(link?: Link): void {
    if (link) this.do({ do: "close", link });
  }

  /** Dials after a while: the first socket, or the next one beside that which is live. */
  again(): void {
    const { now, chance } = this.at;
    this.way = { at: "waiting", until: now + backoff(this.attempts++, chance) };
  }

  /** Nothing is dialled for now, and joins hear why. */
  refuse(token: string | null, why = this.why): void {
    this.why = why;
    this.way = { at: "refused", token, pollAt: this.at.now + POLL_MS };
    this.wasRefused = true;
    this.do({ is: "refused", reason: why.reason ?? `refused: ${why.code}` });
  }

  /** The link could not even be made. */
  forbid(link: Link, reason: string, code?: number): void {
    if (this.active) this.again();
    else this.refuse(link.handshake, { code, reason });
  }

  /** Nothing may pass on a link while it is in doubt for whom. */
  dropMuted(reason: string): boolean {
    const { active, beside } = this;
    if (!active?.muted && !beside?.muted) return false;
    this.why = { reason };
    this.close(beside);
    if (active?.muted) {
      this.close(active);
      this.active = this.ending = undefined;
    }
    return true;
  }
}
