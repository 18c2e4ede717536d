import { expiryOf, KEY, userOf } from "../here/session.ts";
import type { Emission, Record } from "../judge/ledger.ts";
import { type ChannelName, CHANNELS, planOf } from "../script/script.ts";
import type { World } from "../world.ts";
import { Channel, expired } from "./channel.ts";
import type { Frame, Payload } from "./frames.ts";
import { Phoenix } from "./phoenix.ts";
import type { WorldSocket } from "./socket.ts";
import { BATCHES, Wire } from "./wire.ts";

const NOTICES = "realtime-relay.v1";

/** A refused socket is kept open for this long, so that nobody comes back each second. */
const REFUSAL_MS = 8_000;

/** The relay tells this long before a token's end. */
const NOTICE_MS = 60_000;

/** Realtime refuses a join after this long, and its socket takes nothing else meanwhile. */
const REFUSED_MS = 5_000;

/** Realtime closes a socket on which nothing came for so long, and gives one up that is dead. */
const IDLE_MS = 60_000;

const EXPIRED = "token_expired: Refresh the session, then connect with the new token.";

const NAMES = new Map(
  Object.entries(CHANNELS).map(([name, { topic }]) => [`realtime:${topic}`, name as ChannelName]),
);

export const nameOf = (topic: string): ChannelName | undefined => NAMES.get(topic);

/** One socket as the relay and Realtime see it. */
export class Line extends Wire {
  readonly joins = new Map<string, Channel>();
  /** Topics that the client was ever let into on this line. */
  readonly hadJoins = new Set<string>();
  readonly worker: number;
  token: string | null;
  #refusal?: { code: number; reason: string };
  #isNamedByFrame = false;
  #life = 0;
  /** How many frames came. */
  #ups = 0;
  readonly #processes = new Map<string, Phoenix>();
  /** How many joins of a topic are not answered. */
  readonly #open = new Map<string, number>();

  constructor(world: World, socket: WorldSocket, protocols: string[]) {
    super(world, socket);
    const { realtime } = world;
    this.worker = realtime.worker;
    this.token = protocols.find((name) => name.startsWith("jwt-"))?.slice(4) ?? null;
    realtime.lines.add(this);
    this.#dial(protocols);
  }

  get user(): string | null {
    return userOf(this.token);
  }

  get isRelay(): boolean {
    return this.world.setup.relay !== "direct";
  }

  /** True where a notice reaches the client. */
  get hasNotices(): boolean {
    return this.protocol !== "";
  }

  /** A user's socket is one there; viewers share theirs, and each topic goes its own way. */
  #process(topic: string): Phoenix {
    const name = this.isRelay && this.token === null ? topic : "";
    const process = this.#processes.get(name) ?? new Phoenix();
    this.#processes.set(name, process);
    return process;
  }

  #dial(protocols: string[]): void {
    const { world } = this;
    const { weather, setup, time } = world;
    if (weather.now("offline")) return void time.later(50, () => this.end(1006, ""));
    const fault = weather.now("dial")?.answer;
    if (fault === "hangs") return;
    if (fault === "fails") return void time.later(2 * this.latency, () => this.end(1006, ""));
    if (typeof fault === "number") {
      this.#refusal = { code: fault, reason: REASONS[fault] ?? "restart: later" };
    }
    if (this.isRelay && this.token && this.#isOver(this.token)) {
      this.#refusal = { code: 4401, reason: EXPIRED };
    }
    if (this.isRelay && setup.relay === "v2" && protocols.includes(BATCHES)) {
      this.protocol = BATCHES;
    } else if (this.isRelay && protocols.includes(NOTICES)) this.protocol = NOTICES;
    time.later(3 * this.latency, () => {
      if (this.isDead || this.isClosed) return;
      this.socket.opened(this.protocol);
      if (!this.#refusal) return this.#live();
      time.later(REFUSAL_MS, () => this.end(this.#refusal!.code, this.#refusal!.reason));
    }, "arrival");
  }

  /** The token's life on this line begins, or begins anew. */
  #live(): void {
    const { time, setup } = this.world;
    if (!this.isRelay) return this.#idle();
    const life = ++this.#life;
    const left = expiryOf(this.token) - (time.now + setup.relaySkewMs);
    if (left === Infinity) return;
    const at = (ms: number, then: () => void) =>
      time.later(ms, () => this.#life === life && this.isUp && then());
    if (this.hasNotices) {
      at(left - NOTICE_MS, () => this.#notice("token_expiring", { deadline_ms: NOTICE_MS }));
    }
    at(left, () => {
      if (this.hasNotices && this.world.isTimely) {
        this.world.ledger.breaks("renews", `a socket ended with its token after ${left} ms`);
      }
      this.end(4401, EXPIRED);
    });
  }

  /** Realtime wants a heartbeat; the relay sends those of a page that is put away itself. */
  #idle(seen = -1): void {
    if (!this.isUp) return;
    if (this.#ups === seen) return this.end(1000, "");
    const ups = this.#ups;
    this.world.time.later(IDLE_MS, () => this.#idle(ups));
  }

  /** By the clock of whoever is dialled. */
  #isOver(token: string): boolean {
    const { time, setup } = this.world;
    const skew = this.isRelay ? setup.relaySkewMs : setup.databaseSkewMs;
    return expiryOf(token) <= time.now + skew;
  }

  // --- to the client

  /** From Realtime: it waits where a join is under way. */
  send(frame: Frame, emission?: Emission): void {
    this.#process(frame.topic).take(() => this.down(frame, emission));
  }

  #notice(status: string, more: Payload): void {
    const payload = { extension: "relay", status, ...more };
    this.down({ topic: "phoenix", event: "system", payload });
  }

  /** The worker is ending: those who understand are told, all are closed by the deadline. */
  drain(deadlineMs: number): void {
    const { time, chance } = this.world;
    if (this.hasNotices) this.#notice("drain", { deadline_ms: deadlineMs });
    const wait = deadlineMs * (this.hasNotices ? 1 / 3 + 2 / 3 * chance() : chance());
    time.later(wait, () => this.end(1012, "restart: The worker is ending: reconnect."));
  }

  override forget(): void {
    const { realtime, time } = this.world;
    const all = [...this.joins.values()];
    realtime.lines.delete(this);
    this.joins.clear();
    for (const topic of this.#open.keys()) {
      const last = this.#record(topic).repeated.at(-1);
      if (last) last.to = Math.min(last.to, time.now);
    }
    // What is dead is seen by its silence alone.
    time.later(this.isDead ? IDLE_MS : 0, () => all.forEach((each) => each.gone()));
  }

  // --- from the client

  fromClient(frame: Frame): void {
    const { event, topic, ref, payload } = frame;
    this.world.ledger.note(
      `-> ${event} ${topic} ${ref} ${JSON.stringify(payload).slice(0, 120)}`,
    );
    if (event === "phx_join") {
      Object.assign(this.#record(topic), { underWay: ref, triedAt: this.world.time.now });
      this.#asked(topic);
    }
    this.up(() => this.#take(frame));
  }

  #take(frame: Frame): void {
    const { event, topic } = frame;
    this.#ups++;
    if (this.#refusal) {
      if (event !== "phx_join") return;
      this.#record(topic).underWay = undefined;
      return this.reply(frame, "error", { reason: this.#refusal.reason });
    }
    if (this.isRelay && !this.#passes(frame)) return;
    this.#process(topic).take(() => this.#receive(frame));
  }

  /** At Phoenix. */
  #receive(frame: Frame): void {
    const { event, topic } = frame;
    if (this.isClosed || this.isDead) return;
    if (event === "heartbeat") return this.reply(frame, "ok");
    if (event === "phx_join") return this.#join(frame);
    const channel = this.joins.get(topic);
    if (event === "phx_leave" && !channel) return this.reply(frame, "ok");
    if (!channel) return this.reply(frame, "error", { reason: "unmatched topic" });
    if (event === "phx_leave") this.#leave(frame, channel);
    else if (event === "access_token") {
      const { access_token: token } = frame.payload;
      if (typeof token === "string" && token !== KEY) channel.renew(token);
    } else if (event === "broadcast") {
      this.world.application.arrived(frame, this);
      if (channel.config.broadcast?.ack) this.reply(frame, "ok");
    } else if (event === "presence") this.#presence(frame, channel);
  }

  reply(frame: Frame, status: string, response: Payload = {}): void {
    this.down({ ...frame, event: "phx_reply", payload: { status, response } });
  }

  #leave(frame: Frame, channel: Channel): void {
    // Of another join than the channel's: passed over, as Phoenix does.
    if (frame.join_ref !== channel.ref) return;
    this.reply(frame, "ok");
    channel.end();
  }

  #presence(frame: Frame, channel: Channel): void {
    const { event, payload } = frame.payload;
    this.reply(frame, "ok");
    this.world.realtime.presence.set(channel, event === "track" ? payload as Payload : undefined);
  }

  // --- the relay

  /** False for what goes no further. Of all tokens the newest of the socket's user goes on. */
  #passes(frame: Frame): boolean {
    const { event, topic, payload } = frame;
    if (event !== "phx_join" && event !== "access_token") return true;
    const { access_token: token } = payload;
    const isToken = typeof token === "string" && token.includes(".");
    const named = this.user;
    if (!isToken && token !== undefined && this.#isNamedByFrame && named) {
      this.end(4401, "signed_out: The user signed out.");
      return false;
    }
    if (isToken && this.#isOver(token)) {
      if (event === "access_token") this.joins.get(topic)?.end(EXPIRED);
      else if (userOf(token) !== named) this.reply(frame, "error", { reason: EXPIRED });
      if (event === "access_token" || userOf(token) !== named) return false;
    } else if (isToken && !this.#use(token, named)) return false;
    frame.payload = { ...payload, access_token: this.token ?? undefined };
    return event === "phx_join" || isToken;
  }

  /** A newer token of the same user; the first of a user where nobody was named. */
  #use(token: string, named: string | null): boolean {
    if (named !== null && named !== userOf(token)) {
      this.end(4401, "token_subject: One socket serves one user.");
      return false;
    }
    if (named === null) this.#isNamedByFrame = true;
    if (named === null || expiryOf(token) > expiryOf(this.token)) {
      this.token = token;
      this.#live();
    }
    return true;
  }

  // --- a join

  #record(topic: string): Record {
    return this.world.ledger.record(planOf(nameOf(topic)!).topic);
  }

  /** Nobody can tell which of two joins an answer is for. */
  #asked(topic: string): void {
    const { time: { now } } = this.world;
    const { repeated } = this.#record(topic);
    const open = this.#open.get(topic) ?? 0;
    this.#open.set(topic, open + 1);
    if (open === 0) return;
    if (repeated.at(-1)?.to !== Infinity) repeated.push({ from: now, to: Infinity, joins: 1 });
    repeated.at(-1)!.joins++;
  }

  #answers(topic: string): void {
    const open = (this.#open.get(topic) ?? 1) - 1;
    this.#open.set(topic, open);
    const last = this.#record(topic).repeated.at(-1);
    // What two answers tell the client knows.
    if (open === 0 && last?.to === Infinity) {
      last.to = last.joins > 2 ? this.world.time.now : last.from;
    }
  }

  /** What the topic had joined before is no more, whatever comes of it. */
  #join(frame: Frame): void {
    const { topic, payload: { access_token: token } } = frame;
    const { weather, time, chance } = this.world;
    const process = this.#process(topic);
    const fault = weather.now("joins", nameOf(topic));
    const record = this.#record(topic);
    const before = this.joins.get(topic);
    process.hold();
    before?.end();
    if (fault?.answer === "never") return process.release();
    const given = typeof token === "string" && token !== KEY ? token : null;
    const reason = this.#refused(frame, given);
    const late = fault?.answer === "late" ? fault.lateMs ?? 4_000 : Math.floor(5 + 20 * chance());
    const isQuick = fault?.answer === "rateOnly";
    time.later(reason && !isQuick ? REFUSED_MS : late, () => {
      record.underWay = undefined;
      if (this.isClosed || this.isDead) return;
      this.#answers(topic);
      if (reason) this.#refuse(frame, reason, isQuick);
      else this.#letIn(frame, given);
      if (fault?.answer === "rate") time.later(4, () => this.end(1001, ""));
      if (fault?.answer === "twice" && !reason) this.#letIn(frame, given);
      process.release();
    });
  }

  /** Why a join is refused; undefined where it is not. */
  #refused({ topic, payload: { config } }: Frame, token: string | null): string | undefined {
    const { weather, time, setup } = this.world;
    const answer = weather.now("joins", nameOf(topic))?.answer;
    const left = expiryOf(token) - (time.now + setup.databaseSkewMs);
    if (left <= 0) return `InvalidJWTToken: ${expired(left)}`;
    if (REFUSED[answer ?? ""]) return REFUSED[answer!] + topic;
    const isPrivate = (config as Payload).private === true;
    return isPrivate && userOf(token) === null ? REFUSED.forbidden + topic : undefined;
  }

  #refuse(frame: Frame, reason: string, isQuick: boolean): void {
    const { time } = this.world;
    const record = this.#record(frame.topic);
    const { since = time.now, ref, isQuick: was } = record.refused ?? {};
    const wasQuick = ref !== frame.ref || !!was;
    const at = Math.max(time.now, this.stalledUntil) + this.latency;
    record.refused = { since, isQuick: wasQuick && isQuick, at, ref: frame.ref, line: this };
    this.reply(frame, "error", { reason });
  }

  #letIn(frame: Frame, token: string | null): void {
    const channel = new Channel(this.world, this, frame, token);
    this.joins.get(frame.topic)?.end();
    this.joins.set(frame.topic, channel);
    this.hadJoins.add(frame.topic);
    this.#record(frame.topic).refused = undefined;
    this.reply(frame, "ok", { postgres_changes: channel.bindings });
    channel.begin();
    this.world.ledger.note(`joined ${frame.topic} as ${channel.reader}`);
  }
}

const REFUSED: { [answer: string]: string } = {
  rate: "ClientJoinRateLimitReached: Too many joins per second ",
  rateOnly: "ClientJoinRateLimitReached: Too many joins per second ",
  pool: "IncreaseConnectionPool: Please increase your connection pool size ",
  forbidden: "Unauthorized: You do not have permissions to read from this Channel topic: ",
};

const REASONS: { [code: number]: string } = {
  4400: "bad_request: Ask the same URL by a plain GET.",
  4401: EXPIRED,
  4403: "role_forbidden: Use another account.",
  4429: "too_many_sockets: This worker is full: reconnect in a moment.",
  4502: "upstream_timeout: Realtime did not answer: reconnect later.",
  4503: "draining: The worker is ending: reconnect now.",
};
