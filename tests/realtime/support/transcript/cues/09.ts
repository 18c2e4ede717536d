import { close, type Cues, expect, pause, send, sinceNow } from "../cues.ts";

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

function broadcast(n: number): string {
  const payload = { type: "broadcast", event: "flood", payload: { n } };
  return JSON.stringify({ topic: "realtime:rl", event: "broadcast", payload, ref: `${n}` });
}

function join(n: number): string {
  const payload = { config: { broadcast: {} } };
  const [topic, ref] = [`realtime:jf${n}`, String(n)];
  return JSON.stringify({ topic, event: "phx_join", payload, ref, join_ref: ref });
}

function joined(n: number, payload: unknown): string {
  return JSON.stringify({ ref: `${n}`, event: "phx_reply", topic: `realtime:jf${n}`, payload });
}

const OK = { status: "ok", response: { postgres_changes: [] } };
const REFUSED = {
  status: "error",
  response: { reason: "ChannelRateLimitReached: Too many channels" },
};

export default (long: boolean): Cues => ({
  rewrite: { 70: sinceNow, 74: sinceNow },
  busy: long ? ["J"] : [],
  before: {
    // All closed at one time; those that heard that Pa left were a little later than the others.
    86: [close("Pa", "Pg", "Pg1")],
    102: numbers(1, 1500).map((n) => send("R", broadcast(n))),
    108: [
      // The second of the flood is over.
      pause(1_100),
      ...numbers(1, 150).map((n) => send("J", join(n))),
      expect("J", numbers(1, 100).map((n) => joined(n, OK))),
    ],
    // Each refusal takes 5 s, which the recording did not stay for; without delays all come.
    119: long ? [] : [expect("J", numbers(107, 150).map((n) => joined(n, REFUSED)))],
  },
});
