import { type Parts, payloadOf } from "../realtime/frame.ts";
import { Standing } from "../realtime/standing.ts";
import type { Vsn } from "../realtime/upstream.ts";

/** Joins of one topic on one socket that are remembered: it is joined anew as soon as it was left. */
const MOST = 16;

/** The joins that went up on one socket of the hub, until Realtime has answered or ended them. */
export class Joins {
  /** By topic. */
  readonly #standing = new Map<string, Standing>();
  /** When those went up that are not answered yet, by their ref as JSON text, the oldest first. */
  readonly #asked = new Map<string, number>();

  constructor(readonly vsn: Vsn) {}

  sent(topic: string, ref: string, at: number): void {
    this.#asked.set(JSON.stringify(ref), at);
    const standing = this.#standing.get(topic) ?? new Standing(MOST);
    this.#standing.set(topic, standing);
    standing.add({ topic, event: "phx_join", ref, join_ref: ref });
  }

  /** Hears what Realtime says of a channel. */
  hear(parts: Parts): void {
    const { topic, event, ref } = parts;
    if (!event.startsWith("phx_")) return;
    const standing = this.#standing.get(topic);
    if (event === "phx_reply") {
      if (!this.#asked.has(ref)) return;
      this.#forgetUpTo(ref);
      standing?.answered(JSON.parse(ref), payloadOf(this.vsn, parts).status === "ok");
    } else standing?.ended(JSON.parse(ref));
    if (standing?.isEmpty) this.#standing.delete(topic);
  }

  /**
   * True while what comes for all who have joined a topic is of an earlier channel, which was left: its
   * end is told behind the answer to the join that follows, and what it had sent before that.
   */
  isOfEarlier(topic: string): boolean {
    return this.#standing.get(topic)?.hasOlder ?? false;
  }

  /** When the oldest join went up that is not answered; Infinity where all are. */
  get oldestAt(): number {
    const [oldest = Infinity] = this.#asked.values();
    return oldest;
  }

  /** Joins are answered in their order: what went up before this one waits for no answer. */
  #forgetUpTo(ref: string): void {
    for (const asked of [...this.#asked.keys()]) {
      this.#asked.delete(asked);
      if (asked === ref) return;
    }
  }

  /** The socket is over. */
  clear(): void {
    this.#standing.clear();
    this.#asked.clear();
  }
}
