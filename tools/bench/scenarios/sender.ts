import type { StackInfo } from "../../stack/info.ts";

/** Somebody who broadcasts on a topic, straight to Realtime. */
export interface Sender {
  /** So many of 300 bytes, with that many ms between the beginnings of two. */
  send(count: number, gapMs: number): Promise<void>;
  stop(): void;
}

const SIZE = 300;

/** Resolves when the channel is joined. */
export async function startSender(
  { API_URL, PUBLISHABLE_KEY }: StackInfo,
  topic: string,
): Promise<Sender> {
  const query = `vsn=2.0.0&apikey=${PUBLISHABLE_KEY}`;
  const socket = new WebSocket(`${API_URL.replace(/^http/, "ws")}/realtime/v1/websocket?${query}`);
  const joined = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    if (String(data).includes('"status":"ok"')) joined.resolve();
  };
  socket.onclose = ({ code }) => joined.reject(new Error(`Realtime closed with ${code}.`));
  socket.onopen = () => {
    const config = { broadcast: { self: false } };
    socket.send(JSON.stringify(["1", "1", topic, "phx_join", { config }]));
  };
  await joined.promise;
  const heartbeat = setInterval(() => {
    socket.send('[null,"h","phoenix","heartbeat",{}]');
  }, 20_000);
  const payload = { type: "broadcast", event: "x", payload: { text: "x".repeat(SIZE - 90) } };
  const frame = JSON.stringify(["1", "2", topic, "broadcast", payload]);
  return {
    async send(count, gapMs) {
      const start = performance.now();
      for (let n = 0; n < count; n++) {
        // A timer alone may be a millisecond late at each of them.
        while (performance.now() < start + n * gapMs) await new Promise((wake) => setTimeout(wake));
        socket.send(frame);
      }
    },
    stop() {
      clearInterval(heartbeat);
      socket.close();
    },
  };
}
