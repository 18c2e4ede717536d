/** Which frames of one socket come in either order, because the original races them too. */
import { fromHex } from "./raw_socket.ts";
import type { Frame } from "./steps.ts";

/** What a frame is about. */
export interface About {
  topic: string;
  /** The event; for system messages with their extension: `system:postgres_changes`. */
  event: string;
  /** The presences that it tells of. */
  refs: string[];
}

const RACES: { between: [string, string]; because: string }[] = [
  {
    between: ["phx_reply", "presence_diff"],
    because: "a call is answered by its channel, the diff comes from the topic's presence",
  },
  {
    between: ["presence_diff", "presence_diff"],
    because: "calls of several clients at one time are told in any order",
  },
  {
    between: ["presence_diff", "broadcast"],
    because: "a diff waits in the topic's presence, a broadcast does not",
  },
  ...["system:system", "presence_state", "presence_diff", "broadcast"].map((event) => ({
    between: ["system:postgres_changes", event] as [string, string],
    because: "a subscription is made 5 ms to 2 s after the join, while the channel goes on",
  })),
  ...["presence_diff", "broadcast"].map((event) => ({
    between: ["postgres_changes", event] as [string, string],
    because: "the original polls for changes",
  })),
];

/** Whether two frames may come in either order. */
export function race(a: About, b: About): boolean {
  // Each topic is a process of its own.
  if (a.topic !== b.topic) return true;
  // What becomes of one presence is told in its order.
  if (a.refs.some((ref) => b.refs.includes(ref))) return false;
  return RACES.some(({ between: [one, other] }) =>
    (a.event === one && b.event === other) || (a.event === other && b.event === one)
  );
}

/** What a frame is about; what cannot be read is about nothing known. */
export function about(frame: Frame): About {
  if (frame.startsWith("BIN ")) return { topic: binaryTopic(frame), event: "broadcast", refs: [] };
  try {
    const value = JSON.parse(frame);
    const [, , topic, event, payload] = Array.isArray(value)
      ? value
      : [null, null, value.topic, value.event, value.payload];
    const refs = Array.from(frame.matchAll(/"phx_ref":"([\w-]{16})"/g), ([, ref]) => ref);
    return { topic, event: event === "system" ? `system:${payload.extension}` : event, refs };
  } catch {
    return { topic: "", event: "", refs: [] };
  }
}

/** The topic of kinds 2 and 4: its length is the second byte, kind 4 has three more of them. */
function binaryTopic(frame: Frame): string {
  const bytes = fromHex(frame.slice(4));
  const start = bytes[0] === 4 ? 5 : 3;
  return String.fromCharCode(...bytes.subarray(start, start + bytes[1]));
}
