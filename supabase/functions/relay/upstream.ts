import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";

/** Wire formats of the Phoenix channels protocol that Realtime speaks. */
export type Vsn = "1.0.0" | "2.0.0";

/** realtime-js's log levels; anything else in the query stays here. */
const LOG_LEVELS = ["debug", "info", "warn", "warning", "error"];

/** The client's wire format; 1.0.0 where it names none, as Realtime has it. */
export function vsnOf(url: URL, fallback?: Vsn): Vsn {
  const vsn = url.searchParams.get("vsn") || "1.0.0";
  // Not the query's own text, which would be kept for each socket.
  if (vsn === "1.0.0") return "1.0.0";
  if (vsn === "2.0.0") return "2.0.0";
  if (fallback) return fallback;
  throw new RelayError("vsn_unsupported", "The query's vsn is neither 1.0.0 nor 2.0.0.");
}

/** What of a client's query goes upstream. */
export interface Wire {
  vsn: Vsn;
  logLevel?: string;
}

/** Throws `vsn_unsupported`. */
export function wireOf(url: URL): Wire {
  const level = url.searchParams.get("log_level");
  const logLevel = level && LOG_LEVELS.includes(level) ? level : undefined;
  return { vsn: vsnOf(url), logLevel };
}

/** The URL of Realtime's socket, with the relay's own key. */
export function upstreamUrl(config: Config, { vsn, logLevel }: Wire): URL {
  const url = new URL("realtime/v1/websocket", config.supabaseUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("apikey", config.upstreamKey);
  url.searchParams.set("vsn", vsn);
  if (logLevel !== undefined) url.searchParams.set("log_level", logLevel);
  return url;
}

/** The URL of Realtime's HTTP broadcast; `topic` and `event` are decoded text, or both absent. */
export function broadcastUrl(config: Config, topic?: string, event?: string): URL {
  const path = topic === undefined || event === undefined
    ? ""
    : `/${encodeURIComponent(topic)}/events/${encodeURIComponent(event)}`;
  return new URL(`realtime/v1/api/broadcast${path}`, config.supabaseUrl);
}
