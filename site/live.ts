import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import type { Mode } from "./config.ts";
import { toClick } from "./database.ts";
import type { Click } from "./links.ts";

/** Told what comes. */
export interface LiveEvents {
  clicked(click: Click): void;
  /** Clicks flow from now on; also after each reconnect. */
  subscribed(): void;
  /** A channel was refused, with the relay's or Realtime's reason. The socket may be fine. */
  refused(topic: string, reason: string): void;
}

/** Relays let a socket join 100 channels; a few are left for what else a page may do. */
const TOPICS_MAX = 90;

/** Only inserts: a DELETE is sent to every subscriber, whatever row level security says. */
const INSERTS = { event: "INSERT", schema: "public", table: "url_clicks" } as const;

/** The clicks as they happen. Connecting again is the transport's and realtime-js' affair. */
export class Live {
  readonly #channels = new Map<string, RealtimeChannel>();

  constructor(
    readonly supabase: SupabaseClient,
    readonly mode: Mode,
    readonly events: LiveEvents,
  ) {}

  /** Follows these links. Call it again with other ones: what is followed already stays. */
  follow(slugs: string[]): void {
    if (this.mode === "postgres_changes") {
      if (!this.#channels.has("clicks")) this.#followTable();
      return;
    }
    const topics = new Set(slugs.slice(0, TOPICS_MAX).map((slug) => `clicks:${slug}`));
    for (const [topic, channel] of this.#channels) {
      if (topics.has(topic)) continue;
      this.#channels.delete(topic);
      this.supabase.removeChannel(channel);
    }
    for (const topic of topics) if (!this.#channels.has(topic)) this.#followTopic(topic);
  }

  /** Ends the connection: the next follow() opens one for whoever is signed in then. */
  async stop(): Promise<void> {
    this.#channels.clear();
    await this.supabase.removeAllChannels();
    await this.supabase.realtime.disconnect();
  }

  #followTable(): void {
    const topic = "clicks";
    const channel = this.supabase.channel(topic)
      .on("postgres_changes", INSERTS, ({ new: row }) => this.events.clicked(toClick(row as never)))
      .on("system", {}, ({ extension, status, message }) => {
        if (extension !== "postgres_changes") return;
        if (status === "ok") this.#subscribed(topic);
        else this.#refused(topic, message);
      });
    this.#subscribe(topic, channel, () => {});
  }

  #followTopic(topic: string): void {
    const channel = this.supabase.channel(topic, { config: { private: true } })
      .on("broadcast", { event: "click" }, ({ payload }) => this.events.clicked(toClick(payload)));
    this.#subscribe(topic, channel, () => this.#subscribed(topic));
  }

  #subscribe(topic: string, channel: RealtimeChannel, joined: () => void): void {
    this.#channels.set(topic, channel);
    console.info(`[links] subscribing: ${topic} (${this.mode})`);
    channel.subscribe((status, error) => {
      if (this.#channels.get(topic) !== channel) return;
      if (status === "SUBSCRIBED") joined();
      // A lost socket is an error of every channel, too: that is the transport's to tell.
      else if (error && this.supabase.realtime.isConnected()) this.#refused(topic, error.message);
    });
  }

  #subscribed(topic: string): void {
    console.info(`[links] subscribed: ${topic}`);
    this.events.subscribed();
  }

  #refused(topic: string, reason: string): void {
    console.warn(`[links] refused: ${topic}: ${reason}`);
    this.events.refused(topic, reason);
  }
}
