import type { End, Ends } from "./ends.ts";
import { frame, message, TEXT } from "./frames.ts";
import { quantile } from "../statistics.ts";

const decoder = new TextDecoder();

export interface JoinOptions {
  /** Of the client's frames. */
  topic: string;
  /** Of the join. */
  payload: Record<string, unknown>;
  /** How many text frames each client gets for its join. */
  replies: number;
}

/** Every client joins the topic; the upstream end, where it is ours, answers as Realtime does. */
export function joinAll(ends: Ends, { topic, payload, replies }: JoinOptions): void {
  let left = ends.clients.length * replies;
  ends.onFrame = (end, code, data) => {
    if (code !== TEXT) return;
    if (end.side === "upstream") answer(end, data);
    else left -= framesIn(data);
  };
  const join = frame(TEXT, JSON.stringify(["1", "1", topic, "phx_join", payload]), true);
  for (const client of ends.clients) client.send(join);
  ends.until(() => left <= 0, "replies to joins");
}

/**
 * What Realtime answers: to a join also the ids of its Postgres Changes, and the word that they are
 * subscribed.
 */
export function answer({ send }: End, data: Uint8Array): void {
  const [joinRef, ref, topic, event, payload] = JSON.parse(decoder.decode(data));
  const reply = (event: string, payload: unknown, to = ref) =>
    send(frame(TEXT, JSON.stringify([joinRef, to, topic, event, payload])));
  if (event !== "phx_join") return reply("phx_reply", { status: "ok", response: {} });
  const bindings: object[] = payload.config?.postgres_changes ?? [];
  const changes = bindings.map((binding, n) => ({ id: n + 1, ...binding }));
  reply("phx_reply", { status: "ok", response: { postgres_changes: changes } });
  if (bindings.length === 0) return;
  const message = "Subscribed to PostgreSQL";
  const done = { channel: topic.slice(9), extension: "postgres_changes", message, status: "ok" };
  reply("system", done, null);
}

export interface FanOptions {
  topic: string;
  size: number;
  /** How many upstream sends in all. */
  messages: number;
  /** So many follow one another before it waits until all viewers have them. Default: 1. */
  together?: number;
  /** Between two of them, in ms. Default: 0. */
  gapMs?: number;
}

/** Upstream frames to all who joined; the median time to the last of them, in ms. */
export function fan(ends: Ends, options: FanOptions): { ms: number } {
  const { topic, size, messages, together = 1, gapMs = 0 } = options;
  const data = frame(TEXT, message("text", size, topic));
  const [upstream] = ends.upstreams;
  let left = 0;
  ends.onFrame = (end, code, data) => {
    if (code !== TEXT) return;
    if (end.side === "upstream") answer(end, data);
    else left -= framesIn(data);
  };
  const times: number[] = [];
  for (let n = 0; n < messages; n += together) {
    left = ends.clients.length * together;
    const start = performance.now();
    for (let sent = 0; sent < together; sent++) {
      if (gapMs > 0) ends.during(start + sent * gapMs - performance.now());
      upstream.send(data);
    }
    ends.until(() => left === 0, "deliveries to the viewers");
    times.push(performance.now() - start);
  }
  return { ms: quantile(times, 0.5) };
}

const LINE_FEED = 10;

/** A batch has one on each line. */
function framesIn(data: Uint8Array): number {
  let count = 1;
  for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}

export interface WatchOptions {
  /** How many are to come to all clients together. */
  frames: number;
  timeoutMs: number;
  /** Default: changes. */
  event?: string;
}

/**
 * Counts frames of an event from now on; what it returns waits for them, and says how many did not
 * come and when the last did, since the epoch.
 */
export function watch(ends: Ends, options: WatchOptions) {
  const { frames, timeoutMs, event = "postgres_changes" } = options;
  const sign = `"${event}",`;
  let missing = frames;
  let last = performance.now();
  ends.onFrame = (end, code, data) => {
    if (end.side !== "client" || code !== TEXT) return;
    for (const line of decoder.decode(data).split("\n")) if (line.includes(sign)) missing--;
    last = performance.now();
  };
  return (): { missing: number; last: number } => {
    const deadline = performance.now() + timeoutMs;
    while (missing > 0 && performance.now() < deadline) ends.during(1);
    return { missing, last: performance.timeOrigin + last };
  };
}
