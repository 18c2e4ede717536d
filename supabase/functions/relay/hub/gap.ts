import { encodeServerFrame } from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";

/**
 * The notice that frames of a topic may be missing, from the last that is known to have come until
 * the channel stood again; in milliseconds since the epoch.
 */
export function gapNotice(vsn: Vsn, topic: string, from: number, to: number): string {
  const payload = { extension: "relay", status: "gap", from, to };
  return encodeServerFrame(vsn, { topic, event: "system", payload });
}
