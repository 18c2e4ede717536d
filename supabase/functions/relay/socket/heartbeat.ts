import type { Frame } from "../realtime/phoenix.ts";
import type { Message } from "../runtime.ts";
import type { Vsn } from "../realtime/upstream.ts";

/** Begins the refs of the relay's own frames, which no phoenix.js counts to. */
export const REF_PREFIX = "relay:";

/** realtime-js speaks every 25 s; Realtime closes a socket that says nothing for 60 s. */
const HEARTBEAT_MS = 25_000;

/** How a socket fares: its client silent for too long, or an upstream that answers nothing. */
export type Pulse = "alive" | "silent" | "stalled";

/**
 * Speaks to Realtime for a client that does not: a browser throttles the timers of a background tab,
 * so its heartbeats stop while its socket lives. The answers are swallowed.
 */
export class Heartbeat {
  /** True while an answer is awaited; only then are Realtime's frames looked at. */
  awaiting = false;
  /** Set for each message of the client; tick() turns it into a time. */
  heard = false;
  #heardAt: number;
  #sentAt = 0;
  #count = 0;
  readonly #prefix: string;

  constructor(
    readonly vsn: Vsn,
    readonly maxSilenceMs: number,
    /** Does not run while the worker stands still: nobody could be heard. */
    readonly now: () => number,
    readonly send: (frame: Frame) => void,
  ) {
    this.#heardAt = now();
    // Realtime writes the ref first in both formats, so a prefix tells the answer without a parse.
    this.#prefix = vsn === "2.0.0" ? `[null,"${REF_PREFIX}` : `{"ref":"${REF_PREFIX}`;
  }

  /** True for the answer to one of these heartbeats: it is not for the client. */
  takes(message: Message): boolean {
    if (typeof message !== "string" || !message.startsWith(this.#prefix)) return false;
    this.awaiting = false;
    return true;
  }

  /** To be called every few seconds. */
  tick(): Pulse {
    const time = this.now();
    if (this.heard) this.#heardAt = time;
    this.heard = false;
    if (time - this.#heardAt >= this.maxSilenceMs) return "silent";
    if (time - Math.max(this.#heardAt, this.#sentAt) < HEARTBEAT_MS) return "alive";
    if (this.awaiting) return "stalled";
    this.#sentAt = time;
    this.awaiting = true;
    const ref = `${REF_PREFIX}${++this.#count}`;
    this.send({ ref, topic: "phoenix", event: "heartbeat", payload: {} });
    return "alive";
  }
}
