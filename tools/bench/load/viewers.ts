import type { End, Ends } from "./ends.ts";
import { frame, message, TEXT } from "./frames.ts";

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
    else left--;
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

/** One upstream frame at a time, to all who joined. */
export function fan(ends: Ends, { topic, size, messages }: {
  topic: string;
  size: number;
  messages: number;
}): void {
  const data = frame(TEXT, message("text", size, topic));
  const [upstream] = ends.upstreams;
  let left = 0;
  ends.onFrame = (end, code, data) => {
    if (code !== TEXT) return;
    if (end.side === "upstream") answer(end, data);
    else left--;
  };
  for (let n = 0; n < messages; n++) {
    left = ends.clients.length;
    upstream.send(data);
    ends.until(() => left === 0, "deliveries to the viewers");
  }
}

/** The event of a frame lies within so many bytes of its beginning. */
const EVENT_BYTES = 100;

/** Waits for so many changes at all clients together; when the last came, in ms since the epoch. */
export function watch(ends: Ends, { frames, timeoutMs }: { frames: number; timeoutMs: number }) {
  let missing = frames;
  ends.onFrame = (end, code, data) => {
    if (end.side !== "client" || code !== TEXT) return;
    if (decoder.decode(data.subarray(0, EVENT_BYTES)).includes('"postgres_changes",')) missing--;
  };
  const deadline = performance.now() + timeoutMs;
  while (missing > 0 && performance.now() < deadline) ends.during(1);
  return { missing, last: performance.timeOrigin + performance.now() };
}
