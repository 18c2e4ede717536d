/** A client of the protocol itself: it sees the frames as they came. */
import { request } from "node:http";
import { inTime } from "../../support/in_time.ts";
import type { Bench } from "./realtime.ts";

/** A frame; version 1.0.0 has no join_ref. */
export interface Frame {
  join_ref?: string | null;
  ref: string | null;
  event: string;
  topic: string;
  // deno-lint-ignore no-explicit-any -- each event has a shape of its own
  payload: any;
}

export interface Wire {
  /** All frames that came: text as text, bytes as bytes. */
  received: (string | Uint8Array)[];
  send(frame: string | Uint8Array): void;
  push(topic: string, event: string, payload: unknown, ref?: string): void;
  /** Joins, and gives the payload of the reply. `more` goes beside the config. */
  join(topic: string, config?: object, more?: object): Promise<Frame["payload"]>;
  /** The first frame of an event that was not taken before. */
  next(event: string, passes?: (frame: Frame) => boolean): Promise<Frame>;
  /** Whether a frame of an event waits to be taken. */
  has(event: string): boolean;
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

/** Opens a socket on the bare server. What `push` and `join` say is of version 1.0.0. */
export async function openWire(
  bench: Bench,
  token: string,
  headers: Record<string, string> = {},
  vsn = "1.0.0",
): Promise<Wire> {
  const url = bench.realtime.url.replace("http", "ws");
  const web = new WebSocket(`${url}/socket/websocket?apikey=${token}&vsn=${vsn}`, {
    headers,
  });
  web.binaryType = "arraybuffer";
  const received: Wire["received"] = [];
  const waiting: Frame[] = [];
  let wake = () => {};
  web.onmessage = ({ data }) => {
    received.push(typeof data === "string" ? data : new Uint8Array(data));
    if (typeof data === "string") waiting.push(readFrame(data));
    wake();
  };
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    web.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  await inTime(new Promise((resolve) => (web.onopen = resolve)), "the socket opens");
  let refs = 0;
  const joins = new Map<string, string>();
  const wire: Wire = {
    received,
    closed,
    send: (frame) => web.send(frame as string),
    close: () => web.close(),
    has: (event) => waiting.some((frame) => frame.event === event),
    push(topic, event, payload, ref = String(++refs)) {
      const join_ref = joins.get(topic) ?? "1";
      web.send(JSON.stringify({ topic, event, payload, ref, join_ref }));
    },
    async join(topic, config = {}, more = {}) {
      const ref = `join-${++refs}`;
      const payload = { config, ...more };
      joins.set(topic, ref);
      web.send(JSON.stringify({ topic, event: "phx_join", payload, ref, join_ref: ref }));
      return (await wire.next("phx_reply", (frame) => frame.ref === ref)).payload;
    },
    async next(event, passes = () => true) {
      for (;;) {
        const index = waiting.findIndex((frame) => frame.event === event && passes(frame));
        if (index >= 0) return waiting.splice(index, 1)[0];
        await inTime(
          new Promise<void>((resolve) => (wake = resolve)),
          `${event}; there came ${JSON.stringify(waiting.slice(-3))}`,
        );
      }
    },
  };
  return wire;
}

function readFrame(text: string): Frame {
  const frame = JSON.parse(text);
  if (!Array.isArray(frame)) return frame;
  const [join_ref, ref, topic, event, payload] = frame;
  return { join_ref, ref, topic, event, payload };
}

/** Joins a channel for changes of a table, and waits until they flow. */
export async function listen(wire: Wire, table: string, more: object = {}): Promise<void> {
  const binding = { event: "*", schema: "public", table, ...more };
  await wire.join(`realtime:${table}`, { postgres_changes: [binding] });
  const { payload } = await wire.next("system");
  if (payload.status !== "ok") throw new Error(payload.message);
}

/** The ids of the next `count` changes. */
export async function ids(wire: Wire, count: number): Promise<number[]> {
  const got: number[] = [];
  while (got.length < count) {
    const { payload: { data } } = await wire.next("postgres_changes");
    got.push((data.record ?? data.old_record).id);
  }
  return got;
}

/** The plain HTTP answer to an upgrade; a header that is undefined is left out. */
export function upgrade(
  bench: Bench,
  query: string,
  { method, ...headers }: Record<string, string | undefined> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fields = Object.entries({
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    });
    const asked = request(`${bench.realtime.url}/socket/websocket${query}`, {
      method,
      headers: Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    });
    asked.on("response", (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    asked.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, body: "" });
    });
    asked.on("error", reject);
    asked.end();
  });
}
