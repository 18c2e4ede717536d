import type { Identity } from "../door/identity.ts";
import { refusalFor, type Refusals, refusalsOf } from "../door/policy.ts";
import type { Config } from "../config/config.ts";
import type { RelayError } from "../errors.ts";
import { type Parts, payloadOf, takeApart, topicOfBroadcast } from "../realtime/frame.ts";
import type { Frame, Ref } from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";
import type { Message } from "../runtime.ts";
import { Standing } from "../realtime/standing.ts";

/** What is kept of a channel: names of the client's, bounded, and the codes of refusals. */
interface Channel {
  joinRef: Ref;
  refusals: Refusals | undefined;
}

/** A topic of which a policy forbids somebody something. */
interface Watched {
  standing: Standing;
  /** Why what is there beside the newest join is forbidden, and to whom. */
  refusals: Refusals;
  /** Nothing of that is for the client any more. */
  isMute: boolean;
}

/**
 * The channels that a socket has joined, or more: one that Realtime refused or has ended stays in it
 * until it is left. Never fewer, since what is not in it is neither counted nor judged again.
 */
export class Channels {
  readonly #joined = new Map<string, Channel>();
  /**
   * Those alone of which a policy forbids somebody something: where there is none, nobody looks at what
   * Realtime says. As many as may be joined, and as many that were left, the latest ones.
   */
  readonly #watched = new Map<string, Watched>();
  /** Those of them that have something which another join or a leave has replaced. */
  readonly #replaced = new Set<string>();
  /** Joins without a ref are answered and ended without one, as nothing else looks like that. */
  #hasNoRefs = false;

  constructor(readonly vsn: Vsn, readonly config: Config) {}

  get size(): number {
    return this.#joined.size;
  }

  has(topic: string): boolean {
    return this.#joined.has(topic);
  }

  /** The channel's own ref; undefined for one that is not joined. */
  refOf(topic: string): Ref {
    return this.#joined.get(topic)?.joinRef;
  }

  add(frame: Frame, joinConfig: unknown): void {
    const { topic, join_ref } = frame;
    const refusals = refusalsOf(topic, joinConfig, this.config);
    const watched = this.#replace(topic, refusals !== undefined);
    watched?.standing.add(frame);
    if (watched && (frame.ref == null || join_ref == null)) this.#hasNoRefs = true;
    this.#joined.set(topic, { joinRef: join_ref ?? null, refusals });
    this.#settle(topic);
  }

  /**
   * False for a leave that Realtime passes over without an answer: it names another join than the
   * channel's, or none where that has a name (`handle_in` of Phoenix.Socket). The channel stays then,
   * there and here.
   */
  leave(frame: Frame): boolean {
    const { topic, join_ref = null } = frame;
    const channel = this.#joined.get(topic);
    if (!channel) return true;
    if (channel.joinRef !== null && join_ref !== channel.joinRef) return false;
    this.#replace(topic, false)?.standing.leave();
    this.#joined.delete(topic);
    this.#settle(topic);
    return true;
  }

  /** The relay leaves it, and lets the client hear nothing more of it. */
  drop(topic: string): void {
    this.#joined.delete(topic);
    this.#forget(topic);
  }

  /** Those that the identity may not have, and why. */
  *forbiddenTo(identity: Identity): Iterable<[topic: string, why: RelayError]> {
    for (const [topic, { refusals }] of this.#joined) {
      const why = refusalFor(identity, refusals, this.config);
      if (why) yield [topic, why];
    }
  }

  /** What was replaced speaks on until its end: not to whom it is forbidden. */
  muteFor(identity: Identity): void {
    for (const topic of this.#replaced) {
      const watched = this.#watched.get(topic)!;
      watched.isMute ||= refusalFor(identity, watched.refusals, this.config) !== undefined;
    }
  }

  /** True while all messages of Realtime are to be looked at. */
  get awaits(): boolean {
    return this.#replaced.size > 0;
  }

  /** True while its answers and ends are. */
  get watches(): boolean {
    return this.#watched.size > 0;
  }

  /** True for what is not for the client; answers and ends are, in any case. */
  takes(message: Message): boolean {
    if (!this.awaits && !this.#hasNoRefs && isForAll(message)) return false;
    const parts = typeof message === "string" ? takeApart(this.vsn, message) : undefined;
    const topic = (typeof message === "string" ? parts?.topic : topicOfBroadcast(message)) ?? "";
    const watched = this.#watched.get(topic);
    if (!watched) return false;
    if (!parts?.event.startsWith("phx_")) return watched.isMute;
    this.#hear(watched, parts);
    this.#settle(topic);
    return false;
  }

  #hear({ standing }: Watched, parts: Parts): void {
    // Realtime may write a number in another way.
    const ref = JSON.parse(parts.ref);
    if (parts.event !== "phx_reply") return standing.ended(ref);
    standing.answered(ref, payloadOf(this.vsn, parts).status === "ok");
  }

  /** Another join, or a leave, comes for a topic: what was there is replaced. */
  #replace(topic: string, isForbidden: boolean): Watched | undefined {
    const watched = this.#watched.get(topic) ?? (isForbidden ? this.#watch(topic) : undefined);
    if (!watched) return;
    const codes = [...watched.refusals, ...this.#joined.get(topic)?.refusals ?? []];
    watched.refusals = new Map(codes);
    this.#replaced.delete(topic);
    this.#replaced.add(topic);
    return watched;
  }

  #watch(topic: string): Watched {
    const { maxJoins } = this.config;
    const standing = new Standing(maxJoins);
    const watched = { standing, refusals: new Map(), isMute: false };
    this.#watched.set(topic, watched);
    const [oldest] = [...this.#replaced].filter((it) => !this.#joined.has(it));
    if (this.#replaced.size >= maxJoins && oldest !== undefined) this.#forget(oldest);
    return watched;
  }

  /** Nothing is heard for longer than what was replaced is there. */
  #settle(topic: string): void {
    const watched = this.#watched.get(topic);
    if (!watched || watched.standing.hasOlder) return;
    if (!this.#joined.has(topic)) return this.#forget(topic);
    Object.assign(watched, { refusals: new Map(), isMute: false });
    this.#replaced.delete(topic);
  }

  #forget(topic: string): void {
    this.#watched.delete(topic);
    this.#replaced.delete(topic);
  }
}

/** How Realtime begins what is no answer and no end, in either wire format. */
function isForAll(message: Message): boolean {
  return typeof message !== "string" || message.startsWith("[null,null,") ||
    message.startsWith('{"ref":null,');
}
