import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";

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

/** By wire format and log level, of which there are a few: to make one takes longer than a check. */
const urls = new WeakMap<Config, Map<string, URL>>();

/** The URL of Realtime's socket, with the relay's own key. Not to be changed. */
export function upstreamUrl(config: Config, wire: Wire): URL {
  const name = `${wire.vsn} ${wire.logLevel}`;
  const made = urls.get(config) ?? urls.set(config, new Map()).get(config)!;
  return made.get(name) ?? made.set(name, makeUpstreamUrl(config, wire)).get(name)!;
}

function makeUpstreamUrl(config: Config, { vsn, logLevel }: Wire): URL {
  const url = new URL("realtime/v1/websocket", config.supabaseUrl);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("apikey", config.upstreamKey);
  url.searchParams.set("vsn", vsn);
  if (logLevel !== undefined) url.searchParams.set("log_level", logLevel);
  return url;
}

/** One event of a topic by HTTP; both are decoded text. */
export interface BroadcastPath {
  topic: string;
  event: string;
  isPrivate: boolean;
}

/** The URL of Realtime's HTTP broadcast: of one event, or of a list. */
export function broadcastUrl(config: Config, one?: BroadcastPath): URL {
  const path = one
    ? `/${encodeURIComponent(one.topic)}/events/${encodeURIComponent(one.event)}`
    : "";
  const url = new URL(`realtime/v1/api/broadcast${path}`, config.supabaseUrl);
  if (one?.isPrivate) url.searchParams.set("private", "true");
  return url;
}
