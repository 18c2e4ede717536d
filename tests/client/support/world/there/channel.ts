import { expiryOf, userOf } from "../here/session.ts";
import type { World } from "../world.ts";
import type { Frame, Payload } from "./frames.ts";
import { type Line, nameOf } from "./line.ts";

interface Wanted extends Payload {
  event: string;
  schema: string;
  table: string;
  filter?: string;
}

export interface Binding extends Wanted {
  id: number;
}

interface Config {
  private?: boolean;
  broadcast?: {
    ack?: boolean;
    replication_ready?: boolean;
    replay?: { since: number; limit?: number };
  };
  presence?: { enabled?: boolean };
  postgres_changes?: Wanted[];
}

/** A newer token is subscribed with after this long, and so is what failed and may do better, in ms. */
const RENEW_MS = 2_000;
const RETRY_MS = 7_000;

/** More than this long, in ms, no subscription that is to come takes. */
const LATE_MS = 7_000;

const UNSUBSCRIBED =
  "Unable to subscribe to changes with given parameters. An exception happened " +
  "so please check your connect parameters: invalid column for filter slug";

/** A topic that one socket has joined, as Realtime has it. */
export class Channel {
  readonly topic: string;
  readonly ref: string;
  readonly config: Config;
  readonly bindings: Binding[];
  isSubscribed = false;
  track?: Payload;
  /** Numbers its subscriptions: the newest counts. */
  #subscriptions = 0;

  constructor(
    readonly world: World,
    readonly line: Line,
    { topic, ref, payload }: Frame,
    public token: string | null,
  ) {
    this.topic = topic;
    this.ref = ref!;
    this.config = payload.config as Config;
    this.bindings = (this.config.postgres_changes ?? []).map((binding) => ({
      ...binding,
      id: this.#bindingId(binding),
    }));
  }

  #bindingId({ event, table, filter }: Wanted): number {
    const base = [...`${event}${table}${filter}`].reduce(
      (sum, c) => sum * 31 % 99_991 + c.charCodeAt(0),
      7,
    );
    return base + (this.world.setup.otherIds ? this.line.worker * 100_000 : 0);
  }

  get reader(): string | null {
    return userOf(this.token);
  }

  get isHere(): boolean {
    return this.line.joins.get(this.topic) === this;
  }

  say(event: string, payload: Payload, ref: string | null = null): void {
    this.line.send({ join_ref: this.ref, ref, topic: this.topic, event, payload });
  }

  /** Behind the answer to its join. */
  begin(): void {
    const { world, config } = this;
    if (config.broadcast?.replication_ready) {
      const message = "Replication connection established";
      this.say("system", { extension: "system", status: "ok", message });
    }
    if (config.presence?.enabled) this.say("presence_state", world.realtime.presence.state);
    const replay = config.private && config.broadcast?.replay;
    if (replay) world.realtime.replay(this, replay);
    if (this.bindings.length > 0) this.#subscribe(Math.max(2, world.setup.subscribeMs));
    this.#expire();
  }

  // --- the token

  /** It ends with its token by Realtime's clock; the socket stays open. */
  #expire(): void {
    const { world: { time, setup }, token } = this;
    const left = expiryOf(token) - (time.now + setup.databaseSkewMs);
    if (left === Infinity) return;
    time.later(left, () => this.isHere && this.token === token && this.end(expired(0)));
  }

  /** A newer one, or one that ends the channel. */
  renew(token: string): void {
    const { world: { time, setup } } = this;
    if (token === this.token) return;
    const left = expiryOf(token) - (time.now + setup.databaseSkewMs);
    if (left <= 0) return this.end(expired(left));
    this.token = token;
    this.#expire();
    if (this.bindings.length > 0) this.#subscribe(RENEW_MS);
  }

  // --- Postgres Changes

  #subscribe(after: number): void {
    const { time, weather } = this.world;
    const fault = weather.now("subscriptions", nameOf(this.topic))?.answer;
    if (fault === "never") return;
    const subscription = ++this.#subscriptions;
    time.later(fault === "late" ? LATE_MS : after, () => {
      if (!this.isHere || subscription !== this.#subscriptions) return;
      const isError = fault === "error" || fault === "busy";
      // Of those so far a newer one is no end.
      this.isSubscribed ||= !isError;
      this.report(isError);
      if (fault === "busy") this.#subscribe(RETRY_MS);
    });
  }

  report(isError: boolean): void {
    const channel = this.topic.replace(/^realtime:/, "");
    const message = isError ? UNSUBSCRIBED : "Subscribed to PostgreSQL";
    const status = isError ? "error" : "ok";
    this.say("system", { extension: "postgres_changes", channel, message, status });
  }

  /** The publication has changed: all is subscribed anew. */
  resubscribe(): void {
    if (!this.isSubscribed) return;
    const { weather } = this.world;
    const isError = weather.now("subscriptions", nameOf(this.topic))?.answer === "error";
    this.isSubscribed = !isError;
    this.report(isError);
  }

  // --- its end

  /** It is no more, and says why where a message is given. */
  end(message?: string, event: "phx_close" | "phx_error" = "phx_close"): void {
    if (!this.isHere) return;
    this.line.joins.delete(this.topic);
    if (message) this.say("system", { extension: "system", status: "error", message });
    this.say(event, event === "phx_error" ? { reason: "channel_crash" } : {}, this.ref);
    this.gone();
  }

  /** Nobody sees it in the lobby any more. */
  gone(): void {
    this.world.realtime.presence.set(this, undefined);
  }
}

export const expired = (left: number): string =>
  `Token has expired ${Math.floor(-left / 1000)} seconds ago`;
