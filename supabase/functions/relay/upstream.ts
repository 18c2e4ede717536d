import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";

/** Wire formats of the Phoenix channels protocol that Realtime speaks. */
export type Vsn = "1.0.0" | "2.0.0";

/** realtime-js's log levels; anything else in the query stays here. */
const LOG_LEVELS = ["debug", "info", "warn", "warning", "error"];

/** The client's wire format; 1.0.0 where it names none, as Realtime has it. */
export function vsnOf(url: URL, fallback?: Vsn): Vsn {
  const vsn = url.searchParams.get("vsn") || "1.0.0";
  if (vsn === "1.0.0" || vsn === "2.0.0") return vsn;
  if (fallback) return fallback;
  throw new RelayError("vsn_unsupported", "The query's vsn is neither 1.0.0 nor 2.0.0.");
}

/**
 * The URL of Realtime's socket: the relay's own key, and of the client's query nothing but its wire
 * format and its log level.
 */
export function upstreamUrl(config: Config, client: URL): URL {
  const url = new URL("realtime/v1/websocket", config.supabaseUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("apikey", config.upstreamKey);
  url.searchParams.set("vsn", vsnOf(client));
  const level = client.searchParams.get("log_level");
  if (level && LOG_LEVELS.includes(level)) {
    url.searchParams.set("log_level", level);
  }
  return url;
}

/** The URL of Realtime's HTTP broadcast; `topic` and `event` are decoded text, or both absent. */
export function broadcastUrl(config: Config, topic?: string, event?: string): URL {
  const path = topic === undefined || event === undefined
    ? ""
    : `/${encodeURIComponent(topic)}/events/${encodeURIComponent(event)}`;
  return new URL(`realtime/v1/api/broadcast${path}`, config.supabaseUrl);
}
