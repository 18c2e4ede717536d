import { type Cues, send } from "../cues.ts";

function broadcast(n: number): string {
  const payload = { type: "broadcast", event: "flood", payload: { n } };
  return JSON.stringify({ topic: "realtime:rl", event: "broadcast", payload, ref: `${n}` });
}

export default (): Cues => ({
  before: {
    35: Array.from({ length: 12_000 }, (_, n) => send("R", broadcast(n))),
  },
  requests: {
    51: {
      method: "POST",
      path: "/api/broadcast",
      headers: { apikey: "<ANON>", "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ topic: "q", event: "e", payload: { a: 1 } }] }),
    },
  },
});
