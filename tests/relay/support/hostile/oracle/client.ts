/** What a client has said and was told, and what follows from that. */
import {
  changeIds,
  fieldsOf,
  type Head,
  headOf,
  type Message,
  numberOf,
  sizeOf,
  topicOfBroadcast,
} from "../network/frames.ts";
import { askOf } from "../realtime/ask.ts";
import { configOf, isFor } from "../realtime/emission.ts";
import type { Push } from "../realtime/push.ts";
import { REFUSAL_MS } from "../realtime/join_rate.ts";
import type { Realtime } from "../realtime/realtime.ts";
import { claimsOf } from "../world/people.ts";
import { Violation } from "../invariants.ts";
import { Life, print } from "./life.ts";
import { mayJoin, maySend, mayUsePublic, type Policies } from "./policy.ts";
import { type Effect, Who } from "./who.ts";

/** A newcomer's right is asked anew, or was so short a time ago. */
const RIGHT_MS = 5_000;

/** Who joins more often may have to pay for it. */
const MANY_JOINS = 40;

/** What Realtime had sent before it could hear that a topic is left, and so long to say it. */
const LEAVE_MS = 50;

/** A broadcast that Realtime has not been handed yet. */
export interface Held extends Push {
  /** The channel that it was sent on, if it was joined by then. */
  life: Life | undefined;
}

/** What a join brings. The oldest SDKs have another name for the token. */
export interface Joining {
  config: unknown;
  access_token?: string;
  user_token?: string;
}

export interface ClientOptions {
  index: number;
  realtime: Realtime;
  policies: Policies;
  /** What the handshake brought. */
  token: string | undefined;
  /** It begins as one of those who share. */
  isShared: boolean;
  /** It is nobody, and no viewer either, until a frame names its user. */
  waits: boolean;
  /** How long the signature of a token may take that it shows. */
  verifyMs: number;
  /** When the relay last handed Realtime a leave of this topic. */
  leftAt(topic: string): number;
  /** The same of any topic. */
  lastLeftAt(): number;
  saw(what: "gap" | "channel ended"): void;
}

export class Client {
  readonly who: Who;
  /** By topic; the last is the one that counts. */
  readonly lives = new Map<string, Life[]>();
  /** Broadcasts that Realtime has not been handed yet, by their number. */
  readonly held = new Map<number, Held>();
  /** Those that RELAY_POLICY allows to whoever the client was when it said them. */
  readonly allowed = new Set<number>();
  /** Those that are judged when a token is, and as whom: undefined for whoever is named first. */
  readonly #unjudged = new Map<number, string | undefined>();
  heldBytes = 0;
  isSuspect = false;
  /** How often it has joined, and whether it did anything that no other viewer may share. */
  joins = 0;
  isAlone = false;
  /** It has joined when the hub may have been full, and so may have a socket of its own. */
  wasCrowded = false;
  #wasTroubled = false;
  /** When a token came that ends its socket: nothing that it says from then on is kept. */
  endedAt: number | undefined;
  #endsBy = "";
  /** Each topic and config that it has asked for. */
  readonly asked = new Set<string>();

  constructor(readonly options: ClientOptions) {
    const takesEffectAt = () => options.realtime.time.now + options.verifyMs;
    this.who = new Who(() => options.realtime.time.now, takesEffectAt, options);
    this.isAlone = !options.isShared;
  }

  /** It joined when its right could not be asked for, since something was wrong: so it looks alone. */
  get wasTroubled(): boolean {
    const { troubleAt } = this.options.realtime;
    return this.#wasTroubled || [...this.lives.values()].flat()
      .some(({ config, askedAt }) => config.private && askedAt <= troubleAt);
  }

  get hasEnded(): boolean {
    return this.endedAt !== undefined;
  }

  /** It joins. */
  joined(frame: Head, payload: Joining): void {
    const { realtime, index } = this.options;
    const { topic, ref } = frame;
    this.joins++;
    const ask = askOf(topic, payload.config);
    this.asked.add(ask);
    const isNamed = this.who.isUser || !this.who.waits;
    const access_token = payload.access_token ?? (isNamed ? undefined : payload.user_token);
    const effect = access_token === undefined ? "nothing" : this.#show(access_token, "phx_join");
    if (effect === "becomes") this.isAlone = true;
    const config = configOf(payload);
    // What no other viewer can share.
    if (config.ack || config.self || config.presence) this.isAlone = true;
    if (effect === "is refused" || effect === "ends the socket") return;
    for (const life of this.at(topic)) life.isEnding = true;
    const life = new Life(realtime, index, topic, ref!, config, ask, realtime.time.now);
    this.lives.set(topic, [...this.at(topic), life]);
  }

  /** Realtime passes over a leave of another join than the channel's. */
  leaves({ topic, joinRef }: Head): void {
    const lives = this.at(topic);
    if (lives.at(-1)?.ref !== joinRef) return;
    for (const life of lives) life.isEnding = true;
  }

  /** It shows a token; true where it becomes somebody by it. */
  signs(token: string): boolean {
    const becomes = this.#show(token, "access_token") === "becomes";
    this.isAlone ||= becomes;
    return becomes;
  }

  #show(token: string, event: "phx_join" | "access_token"): Effect {
    const effect = this.who.show(token, event);
    if (effect === "ends the socket" && this.endedAt === undefined) {
      this.endedAt = this.options.realtime.time.now;
      this.#endsBy = token;
    }
    return effect;
  }

  /** The worker stands still until then. */
  stands(until: number): void {
    this.who.stands(until);
    const { expiresAt = Infinity } = claimsOf.get(this.#endsBy) ?? {};
    const checkedUntil = (this.endedAt ?? 0) + this.options.verifyMs;
    if (this.who.isLost(checkedUntil, expiresAt, until)) this.endedAt = undefined;
  }

  /** It sends a broadcast. */
  pushes(push: Push): void {
    const life = this.joinedAt(push.head.topic);
    this.isAlone = true;
    const { waits, isUser, role, changedAt } = this.who;
    const { time } = this.options.realtime;
    const isChecking = changedAt !== undefined && time.sinceDue(changedAt) <= 0;
    if (waits && !isUser) this.#unjudged.set(push.n, undefined);
    else if (isChecking) this.#unjudged.set(push.n, role);
    else if (this.#mayPush(role, push.head.topic, life)) this.allowed.add(push.n);
    this.held.set(push.n, { ...push, life });
    this.heldBytes += push.size;
  }

  /**
   * Whether a broadcast may go up: what came before anybody was named, or while a token was checked, is
   * judged for whom that is.
   */
  allows({ n, head }: Push): boolean {
    if (!this.#unjudged.has(n)) return this.allowed.has(n);
    const role = this.#unjudged.get(n) ?? this.who.namedAs;
    const life = this.#isTaken(head.topic) ? undefined : this.joinedAt(head.topic);
    return this.#mayPush(role, head.topic, life);
  }

  #mayPush(role: string, topic: string, life: Life | undefined): boolean {
    const { policies } = this.options;
    return maySend(policies, role, topic) &&
      (mayUsePublic(policies, role) || !life || life.config.private);
  }

  /** Realtime was handed it, or its client was answered, or nobody waits for it any more. */
  settle(n: number): void {
    const push = this.held.get(n);
    if (!push) return;
    this.held.delete(n);
    this.heldBytes -= push.size;
  }

  /** Its socket is over. */
  over(): void {
    for (const lives of this.lives.values()) for (const life of lives) life.state = "over";
    this.held.clear();
    this.heldBytes = 0;
  }

  at(topic: string): Life[] {
    return this.lives.get(topic) ?? [];
  }

  joinedAt(topic: string): Life | undefined {
    return this.at(topic).findLast(({ state, isEnding }) => state === "joined" && !isEnding);
  }

  /** The relay tells it this. Throws where that breaks a sentence. */
  told(message: Message): void {
    if (typeof message !== "string") return this.#content(topicOfBroadcast(message), message);
    const head = headOf(message);
    if (!head) throw new Violation("lives", `a frame that is none: ${message.slice(0, 80)}`);
    const { topic, event } = head;
    if (event === "broadcast" || event === "postgres_changes") return this.#content(topic, message);
    if (event === "presence_diff" || event === "presence_state") {
      return this.#joinedOrFail(topic, event);
    }
    if (sizeOf(message) > 20_000 || topic === "phoenix") return;
    const { payload } = fieldsOf(message)! as { payload: Record<string, unknown> };
    if (event === "phx_reply") this.#replied(head, payload);
    else if (event === "system") this.#system(topic, payload);
    else if (event === "phx_close" || event === "phx_error") this.#ended(head);
  }

  #replied({ topic, ref }: Head, payload: Record<string, unknown>): void {
    const life = this.at(topic).find((it) => it.ref === ref);
    const isOk = payload.status === "ok";
    if (!life) {
      for (const push of this.held.values()) if (push.head.ref === ref) this.settle(push.n);
      return;
    }
    if (life.state !== "asked") return;
    const { reason = "" } = (payload.response ?? {}) as { reason?: string };
    if (!isOk) life.state = "over";
    else life.joined(bindingIds(payload));
    if (reason.startsWith("ChannelRateLimitReached")) this.#fills(life);
    this.#forget(topic);
    if (isOk) this.#mayJoin(life);
    const { time } = this.options.realtime;
    if (reason.startsWith("ClientJoinRateLimitReached")) this.#paysFor(reason, time.now);
  }

  #mayJoin(life: Life): void {
    const { realtime, policies } = this.options;
    const { topic, config } = life;
    const { role } = this.who;
    const { changedAt } = this.who;
    // A join that was let in before is looked at with the next frame.
    const isOlder = changedAt !== undefined && changedAt >= life.askedAt;
    if (!isOlder && !mayJoin(policies, role, topic, config)) {
      throw new Violation("identity", `${life} was let in as ${role}`);
    }
    const since = life.askedAt - RIGHT_MS;
    if (isOlder || !config.private || realtime.rights.heldSince(topic, role, "read", since)) return;
    throw new Violation("rights", `${life} was let in as ${role}, who may not read it`);
  }

  #system(topic: string, payload: Record<string, unknown>): void {
    const { extension, status, from, to } = payload;
    if (extension === "postgres_changes" && status === "ok") {
      // Of a channel that another join has replaced it comes before that one's end.
      this.at(topic).find((life) => life.isUnsubscribed)?.subscribed();
    }
    if (extension !== "relay" || status !== "gap") return;
    for (const it of this.at(topic)) it.told({ from: from as number, to: to as number });
    this.options.saw("gap");
    this.#paysFor("a gap", from as number);
  }

  /** A socket is full of the channels of whoever is told so, or of one that was just left. */
  #fills(life: Life): void {
    const { realtime: { place }, lastLeftAt } = this.options;
    if (this.lives.size > place.maxChannels || lastLeftAt() >= life.askedAt - LEAVE_MS) return;
    throw new Violation("neighbours", `${life} had no room, of ${this.lives.size} of its client`);
  }

  /** Realtime ends whoever joins above its rate: not for what somebody else has joined. */
  #paysFor(what: string, at: number): void {
    const { index, realtime } = this.options;
    const { rate: { overAt, calmAt }, place: { up, down } } = realtime;
    if (this.joins > MANY_JOINS || overAt <= calmAt + up) return;
    if (at < overAt || at > overAt + up + down + REFUSAL_MS + LEAVE_MS) return;
    throw new Violation(
      "neighbours",
      `client ${index} joined ${this.joins} times, and was told ${what}`,
    );
  }

  #ended({ topic, joinRef, ref }: Head): void {
    const lives = this.at(topic);
    const end = lives.findIndex((life) => life.ref === (joinRef ?? ref));
    // What a join has replaced is over before it.
    for (const [place, life] of lives.entries()) {
      if (place > end) break;
      life.isEnding = true;
      // Its answer may be on its way.
      if (life.state === "asked") continue;
      life.state = "over";
      this.options.saw("channel ended");
      for (const push of this.held.values()) if (push.life === life) this.settle(push.n);
    }
    this.#forget(topic);
  }

  #forget(topic: string): void {
    this.#wasTroubled = this.wasTroubled;
    const left = this.at(topic).filter(({ state }) => state !== "over");
    if (left.length > 0) this.lives.set(topic, left);
    else this.lives.delete(topic);
  }

  #joinedOrFail(topic: string, what: string): void {
    if (this.at(topic).some(({ state }) => state === "joined")) return;
    throw new Violation(
      "isolation",
      `client ${this.options.index} got ${what} of ${topic}, not joined`,
    );
  }

  #content(topic: string, message: Message): void {
    const { realtime } = this.options;
    const n = numberOf(message);
    const emission = n === undefined ? undefined : realtime.ledger.byNumber.get(n);
    if (!emission) throw new Violation("frames", `a frame that Realtime has not sent: ${n}`);
    this.#joinedOrFail(topic, print(emission));
    const lives = this.at(topic).filter(({ state }) => state === "joined");
    // Until a second join is answered the first one's channel may speak.
    const life = lives.find(({ config, client }) => isFor(emission, { topic, config, client })) ??
      lives[0];
    life.take(emission);
    if (emission.kind === "change" && life.isDeafTo(changeIds(message))) {
      throw new Violation(
        "frames",
        `${life} got ${print(emission)} with ids that it does not know`,
      );
    }
    this.#mayGet(life, emission.at, print(emission));
  }

  /** After a change of identity the topic is left where the new one may not have it. */
  #mayGet({ topic, config }: Life, at: number, what: string): void {
    const { policies, realtime } = this.options;
    const { changedAt, role } = this.who;
    if (changedAt === undefined || mayJoin(policies, role, topic, config)) return;
    if (at <= changedAt + realtime.place.up + LEAVE_MS || this.#isTaken(topic)) return;
    throw new Violation("identity", `client ${this.options.index}, now ${role}, got ${what}`);
  }

  /** The relay has left it for the client since that became somebody else. */
  #isTaken(topic: string): boolean {
    return this.options.leftAt(topic) >= (this.who.changedAt ?? Infinity);
  }
}

const bindingIds = ({ response }: Record<string, unknown>): number[] => {
  const { postgres_changes = [] } = (response ?? {}) as { postgres_changes?: { id: number }[] };
  return postgres_changes.map(({ id }) => id);
};
