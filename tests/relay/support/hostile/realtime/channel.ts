import { claimsOf } from "../world/people.ts";
import type { Head, Message, Vsn } from "../network/frames.ts";
import type { Time } from "../world/time.ts";
import { askOf } from "./ask.ts";
import { type Binding, type ChannelConfig, configOf } from "./emission.ts";
import type { Right, Rights } from "./rights.ts";

/** The socket that carries a channel. */
export interface Wire {
  readonly vsn: Vsn;
  /** What is added to the ids of bindings. */
  readonly idBase: number;
  readonly time: Time;
  readonly rights: Rights;
  /** By topic. */
  readonly channels: ReadonlyMap<string, Channel>;
  say(message: Message): void;
  tell(head: Head, payload: unknown): void;
  /** Ends a channel, as Realtime does by itself; its socket comes to that in its turn. */
  finish(channel: Channel, event: "phx_close" | "phx_error"): void;
}

/** Messages of presence that a channel may send in so long. */
const MAX_PRESENCE = 5;
const PRESENCE_MS = 30_000;

/** When a channel with a newer token is subscribed again; Realtime waits 1 to 3 s. */
const AGAIN_MS = 2_000;

/** A channel that somebody has joined, or asks to. */
export class Channel {
  readonly topic: string;
  readonly joinRef: string | null;
  readonly config: ChannelConfig;
  /** See askOf(). */
  readonly ask: string;
  /** As whom Postgres checks it: the relay's own key is anon's. */
  role: string;
  isSubscribed = false;
  /** Its process is over, or is about to read that it is left: what comes for it is lost. */
  isDead = false;
  isLeaving = false;
  /** When it was last told who is there. */
  #tracked: number[] = [];
  #token: string | undefined;

  constructor(readonly wire: Wire, head: Head, payload: unknown, token: string | undefined) {
    this.topic = head.topic;
    this.joinRef = head.joinRef;
    this.config = configOf(payload);
    this.ask = askOf(this.topic, (payload as { config?: unknown }).config ?? null);
    this.role = claimsOf.get(token ?? "")?.role ?? "anon";
  }

  /** As the reply echoes them. */
  get bindings(): (Binding & { id: number })[] {
    return this.config.bindings.map((binding) => ({ id: this.idOf(binding), ...binding }));
  }

  /** Equal for equal bindings, on every socket of one version of Realtime. */
  idOf(binding: Binding): number {
    return this.wire.idBase + hash(JSON.stringify(binding));
  }

  get isThere(): boolean {
    return !this.isDead && this.wire.channels.get(this.topic) === this;
  }

  may(right: Right): boolean {
    return this.wire.rights.may(this.topic, this.role, right);
  }

  /** False for a message of presence that is one too many: it ends the channel. */
  track(): boolean {
    const { now } = this.wire.time;
    this.#tracked = [...this.#tracked.filter((at) => at > now - PRESENCE_MS), now];
    if (this.#tracked.length <= MAX_PRESENCE) return true;
    this.expel("Client presence rate limit exceeded");
    return false;
  }

  /** A newer token: what it subscribes of the database is subscribed anew. */
  renew(token: string): void {
    if (token === this.#token || !claimsOf.has(token)) return;
    this.sign(token);
    if (this.config.bindings.length > 0) this.wire.time.after(AGAIN_MS, () => this.subscribe());
  }

  /** Its token, which ends it when it expires. */
  sign(token: string): void {
    const claims = claimsOf.get(token);
    if (!claims) return;
    this.role = claims.role;
    this.#token = token;
    const { time } = this.wire;
    time.after(Math.max(0, claims.expiresAt - time.now), () => {
      if (this.isThere && this.#token === token) this.expel("Token has expired 0 seconds ago");
    });
  }

  subscribe(): void {
    if (!this.isThere) return;
    this.isSubscribed = true;
    this.#system("postgres_changes", "ok", "Subscribed to PostgreSQL");
  }

  /** Ends it, and says why. */
  expel(message: string): void {
    this.#system("system", "error", message);
    this.wire.finish(this, "phx_close");
  }

  #system(extension: string, status: string, message: string): void {
    const { topic, joinRef } = this;
    const channel = topic.replace("realtime:", "");
    const head = { joinRef, ref: null, topic, event: "system" };
    this.wire.tell(head, { message, status, extension, channel });
  }
}

function hash(text: string): number {
  let id = 7;
  for (const letter of text) id = (id * 31 + letter.charCodeAt(0)) % 99_999_989;
  return id;
}
