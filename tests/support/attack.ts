/** What the attack tests share: an upstream that keeps all that reaches it, and a socket to attack. */
import assert from "node:assert/strict";
import { type Code, RelayError } from "../../supabase/functions/relay/errors.ts";
import type { Vsn } from "../../supabase/functions/relay/realtime/upstream.ts";
import { type Client, connect, type ConnectOptions } from "./client.ts";
import type { Script } from "./upstream.ts";

type Data = string | Uint8Array<ArrayBuffer>;

/** A Realtime that answers joins and heartbeats, and keeps everything that arrives. */
export interface Recorder extends Script {
  /** Frames in their order, heartbeats aside. */
  frames: Data[];
  /** Requests other than the socket's. */
  posts: { path: string; headers: Headers; body: string }[];
  /** Resolves when no socket is open; then nothing more can arrive. */
  idle(): Promise<void>;
}

/** `answer` plays what the project serves beside sockets, such as its JWKS. */
export function record(answer = () => new Response(null, { status: 202 })): Recorder {
  const frames: Data[] = [];
  const posts: Recorder["posts"] = [];
  const open = new Set<Promise<void>>();
  return {
    frames,
    posts,
    async onRequest(request) {
      const { pathname, search } = new URL(request.url);
      const { headers } = request;
      posts.push({ path: pathname + search, headers, body: await request.text() });
      return answer();
    },
    onSocket(socket, request) {
      const vsn = new URL(request.url).searchParams.get("vsn") as Vsn;
      const closed = new Promise<void>((resolve) =>
        socket.addEventListener("close", () => resolve())
      );
      open.add(closed);
      closed.then(() => open.delete(closed));
      socket.onmessage = ({ data }) => {
        const reply = typeof data === "string" ? replyTo(vsn, data) : undefined;
        if (!reply?.isHeartbeat) {
          frames.push(typeof data === "string" ? data : new Uint8Array(data));
        }
        if (reply) socket.send(reply.text);
      };
    },
    async idle() {
      await Promise.all(open);
    },
  };
}

function replyTo(vsn: Vsn, text: string): { text: string; isHeartbeat: boolean } | undefined {
  const frame = JSON.parse(text);
  const [joinRef, ref, topic, event] = vsn === "2.0.0"
    ? frame
    : [frame.join_ref, frame.ref, frame.topic, frame.event];
  if (event !== "heartbeat" && event !== "phx_join") return undefined;
  const payload = { status: "ok", response: {} };
  const reply = vsn === "2.0.0"
    ? [joinRef ?? null, ref, topic, "phx_reply", payload]
    : { ref, event: "phx_reply", topic, payload };
  return { text: JSON.stringify(reply), isHeartbeat: event === "heartbeat" };
}

/** Writes a frame by hand: `topic`, `event` and `payload` are JSON text, so that it can be odd. */
export function text(vsn: Vsn, topic: string, event: string, payload: string, ref = '"2"'): string {
  return vsn === "2.0.0"
    ? `["1",${ref},${topic},${event},${payload}]`
    : `{"topic":${topic},"event":${event},"payload":${payload},"ref":${ref},"join_ref":"1"}`;
}

/** What of a binary broadcast may be odd; bytes where it is no text. */
export interface BinaryParts {
  ref?: string | number[];
  event?: string | number[];
  metadata?: string | number[];
  /** 0 is bytes, 1 is JSON. Default: 1. */
  encoding?: number;
  payload?: string | number[];
}

/** A user broadcast as binary, or another kind with the same fields. */
export function binary(
  kind: number,
  topic: string,
  { ref = "2", event = "e", metadata = "", encoding = 1, payload = "{}" }: BinaryParts = {},
): Uint8Array<ArrayBuffer> {
  const bytes = (part: string | number[]) =>
    typeof part === "string" ? [...new TextEncoder().encode(part)] : part;
  const fields = ["1", ref, topic, event, metadata].map(bytes);
  const lengths = fields.map((it) => it.length);
  return new Uint8Array([kind, ...lengths, encoding, ...fields.flat(), ...bytes(payload)]);
}

/** What the client was told until its frames were through. */
export interface Outcome {
  /** Reasons of `phx_reply` errors, in their order. */
  refused: string[];
  closed?: { code: number; reason: string };
}

let fences = 0;

/** Sends frames, then waits until all of them are judged: for an answered heartbeat, or the end. */
export async function attack(client: Client, vsn: Vsn, frames: Data[]): Promise<Outcome> {
  const fence = `fence-${++fences}`;
  for (const frame of frames) client.send(frame);
  client.send(text(vsn, '"phoenix"', '"heartbeat"', "{}", `"${fence}"`));
  const refused: string[] = [];
  while (true) {
    const message = await client.next().catch(() => undefined);
    if (message === undefined) return { refused, closed: await client.closed };
    const frame = JSON.parse(message as string);
    const [ref, payload] = vsn === "2.0.0" ? [frame[1], frame[4]] : [frame.ref, frame.payload];
    if (ref === fence) return { refused };
    if (payload.status === "error") refused.push(payload.response?.reason ?? payload.message);
  }
}

/** Opens a socket that must be refused with this code. */
export async function assertRefused(
  url: string,
  code: Code,
  options: ConnectOptions & { message?: string } = {},
): Promise<void> {
  const { code: close, reason } = await connect(url, options).closed;
  assert.ok(reason.startsWith(`${code}: `), `${options.message}: ${close} ${reason}`);
  assert.equal(close, new RelayError(code, "").closeCode, options.message);
}

/** Sends an HTTP broadcast that must be refused with this code. */
export async function assertPostRefused(
  address: string,
  code: Code,
  init: { path?: string; headers?: HeadersInit; body?: BodyInit; message?: string },
): Promise<void> {
  const body = init.body ?? '{"messages":[{"topic":"room:a","event":"e","payload":{}}]}';
  const url = `http://${address}/functions/v1/relay${init.path ?? "/api/broadcast"}`;
  const response = await fetch(url, { method: "POST", headers: init.headers, body });
  const got = await response.text();
  const { status } = new RelayError(code, "");
  assert.deepEqual([response.status, got && JSON.parse(got).code], [status, code], init.message);
}
