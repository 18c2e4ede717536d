import { type Cues, open, send } from "../cues.ts";

const TOPIC = "realtime:big";

/** A broadcast whose payload has so many bytes, all in all. */
function broadcast(bytes: number): string {
  const payload = { type: "broadcast", event: "big", payload: { x: "x".repeat(bytes) } };
  return JSON.stringify({ topic: TOPIC, event: "broadcast", payload, ref: "2", join_ref: "1" });
}

export default (long: boolean): Cues => ({
  changes: long ? {} : { idleMs: 3000 },
  // Frames of the wrong kind, on sockets that speak version 1.
  sockets: { E3: { vsn: "1.0.0" }, E4: { vsn: "1.0.0" } },
  before: {
    66: [send("E5", broadcast(4_000_000))],
    73: [send("E6", broadcast(9_500_000))],
    // This one never says a word.
    76: [open("E7")],
  },
});
