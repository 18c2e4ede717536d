import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import type { Mode } from "../config.ts";
import { toClick } from "./database.ts";
import type { Click } from "./links.ts";

/** Told what comes. */
export interface LiveEvents {
  clicked(click: Click): void;
  /** Counts are to be read anew: clicks flow from now on, or some were lost on the way. */
  reread(): void;
  /** Told when `standing` may have changed. */
  changed(): void;
}

/** How the channels stand, on a socket that is fine. */
export interface Standing {
  /** Idle is one without anything to follow: without channels there is no socket. */
  state: "idle" | "connecting" | "live" | "refused";
  /** Why a channel was refused: the relay's or Realtime's own words. */
  reason?: string;
}

/** Relays let a socket join 100 channels; a few are left for what else a page may do. */
const TOPICS_MAX = 90;

/** Only inserts: a DELETE is sent to every subscriber, whatever row level security says. */
const INSERTS = { event: "INSERT", schema: "public", table: "url_clicks" } as const;

/** The clicks as they happen. Connecting again is the transport's and realtime-js' affair. */
export class Live {
  readonly #topics = new Map<string, { channel: RealtimeChannel; standing: Standing }>();

  #stopping = false;

  constructor(
    readonly supabase: SupabaseClient,
    readonly mode: Mode,
    readonly events: LiveEvents,
  ) {}

  /** Live once clicks of one topic flow, refused where one topic is. */
  get standing(): Standing {
    const all = [...this.#topics.values()].map(({ standing }) => standing);
    const of = (state: Standing["state"]) => all.find((standing) => standing.state === state);
    return of("refused") ?? of("live") ?? { state: all.length > 0 ? "connecting" : "idle" };
  }

  /** Follows these links. Call it again with other ones: what is followed already stays. */
  follow(slugs: string[]): void {
    if (this.#stopping) return;
    const topics = this.mode === "postgres_changes"
      ? ["clicks"]
      : slugs.slice(0, TOPICS_MAX).map((slug) => `clicks:${slug}`);
    for (const [topic, { channel }] of this.#topics) {
      if (topics.includes(topic)) continue;
      this.#topics.delete(topic);
      this.supabase.removeChannel(channel);
    }
    for (const topic of topics) if (!this.#topics.has(topic)) this.#subscribe(topic);
    this.events.changed();
  }

  /** Ends the connection: the first follow() after it opens one for whoever is signed in then. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#topics.clear();
    this.events.changed();
    await this.supabase.removeAllChannels();
    await this.supabase.realtime.disconnect();
    this.#stopping = false;
  }

  #subscribe(topic: string): void {
    const { supabase, mode, events } = this;
    console.info(`[links] subscribing: ${topic} (${mode})`);
    const channel = supabase.channel(topic, { config: { private: mode === "broadcast" } });
    this.#topics.set(topic, { channel, standing: { state: "connecting" } });
    if (mode === "broadcast") {
      channel.on(
        "broadcast",
        { event: "click" },
        ({ payload }) => events.clicked(toClick(payload)),
      );
    } else {
      channel.on(
        "postgres_changes",
        INSERTS,
        ({ new: row }) => events.clicked(toClick(row as never)),
      );
    }
    channel.on("system", {}, (message) => this.#told(topic, channel, message));
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") {
        // Changes of a table flow only when Realtime has said so, in a message of its own.
        if (mode === "broadcast") this.#become(topic, channel, { state: "live" });
      } else if (error && supabase.realtime.isConnected()) {
        this.#become(topic, channel, { state: "refused", reason: error.message });
      } else {
        // A lost socket is an error of every channel, too: that is the transport's to tell.
        this.#become(topic, channel, { state: "connecting" });
      }
    });
  }

  #told(topic: string, channel: RealtimeChannel, message: Record<string, string>): void {
    const { extension, status, message: reason } = message;
    if (extension === "postgres_changes") {
      const standing: Standing = status === "ok" ? { state: "live" } : { state: "refused", reason };
      this.#become(topic, channel, standing);
    } else if (extension === "relay" && status === "gap") {
      this.events.reread();
    }
  }

  #become(topic: string, channel: RealtimeChannel, standing: Standing): void {
    const followed = this.#topics.get(topic);
    // A channel that was given up has nothing to say any more.
    if (followed?.channel !== channel) return;
    followed.standing = standing;
    const { state, reason } = standing;
    if (state === "live") console.info(`[links] subscribed: ${topic}`);
    if (state === "refused") console.warn(`[links] refused: ${topic}: ${reason}`);
    if (state === "live") this.events.reread();
    this.events.changed();
  }
}
