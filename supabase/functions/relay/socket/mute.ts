import { type Parts, payloadOf, takeApart, topicOfBroadcast } from "../realtime/frame.ts";
import { type Frame, type Ref, UNMATCHED } from "../realtime/phoenix.ts";
import type { Vsn } from "../realtime/upstream.ts";
import type { Message } from "../runtime.ts";
import { REF_PREFIX } from "./heartbeat.ts";

/** Realtime ends a channel's process, and then what still sends to it, within milliseconds. */
const LINGER_MS = 5_000;

/** Joins of one topic whose answers are waited for; of more the oldest is forgotten. */
const MAX_JOINS = 16;

/** A channel that was left. Refs are JSON text. */
interface Left {
  /** Of the leave. */
  ref: string;
  joinRef: string;
  /** When it is over; set once the leave is answered, or the channel has ended. */
  until: number;
  /** The refs of the client's joins since. */
  joins: string[];
  /** One of them was answered before the leave was. */
  isReplaced: boolean;
}

/**
 * Channels that the relay has left for a client, which was told so: what Realtime sends of them until
 * it has answered the leave, and the answer, are not for the client. A channel that is joined again
 * is heard from the answer to that join on. Where that comes before the answer to the leave, the join
 * has killed the channel, which may never answer: then it is heard from that one's end on. That there
 * is no such channel is the client's to hear: it has sent something on it since.
 */
export class Mute {
  /** By topic. */
  readonly #left = new Map<string, Left>();
  /** When all of it is over. */
  #until = 0;
  #count = 0;

  constructor(readonly vsn: Vsn, readonly now: () => number) {}

  /** The frame that leaves the channel of this join, as Realtime asks for; to be sent upstream now. */
  leave(topic: string, joinRef: Ref): Frame {
    const ref = `${REF_PREFIX}leave:${++this.#count}`;
    const [leave, join] = [ref, joinRef ?? null].map((it) => JSON.stringify(it));
    const left = { ref: leave, joinRef: join, until: Infinity, joins: [], isReplaced: false };
    this.#forgetPast();
    this.#left.set(topic, left);
    this.#until = Infinity;
    return { join_ref: joinRef, ref, topic, event: "phx_leave", payload: {} };
  }

  /** The client joins a topic. */
  joins({ topic, ref }: Frame): void {
    const joins = this.#left.get(topic)?.joins;
    joins?.push(JSON.stringify(ref ?? null));
    if (joins && joins.length > MAX_JOINS) joins.shift();
  }

  /** True for what is not for the client. Looks at no message where nothing was left of late. */
  takes(message: Message): boolean {
    if (this.#left.size === 0) return false;
    if (this.#until < this.now()) {
      this.#left.clear();
      return false;
    }
    // Realtime sends changes as arrays in either wire format.
    const parts = typeof message === "string" ? takeApart(this.vsn, message) : undefined;
    const topic = (typeof message === "string" ? parts?.topic : topicOfBroadcast(message)) ?? "";
    const left = this.#left.get(topic);
    if (!left) return false;
    if (parts?.event.startsWith("phx_")) return this.#takesWord(left, parts);
    return left.until >= this.now();
  }

  #takesWord(left: Left, parts: Parts): boolean {
    const { topic, event, ref } = parts;
    if (event !== "phx_reply") {
      // Of another channel, which is heard.
      if (ref !== left.joinRef) return left.until >= this.now();
      if (left.isReplaced) this.#left.delete(topic);
      else this.#isOver(left);
      return true;
    }
    if (ref === left.ref) this.#isOver(left);
    else if (isUnmatched(payloadOf(this.vsn, parts))) return false;
    else if (left.joins.includes(ref)) {
      if (left.until < Infinity) this.#left.delete(topic);
      else left.isReplaced = true;
      return false;
    }
    return left.until >= this.now();
  }

  /** While ever other channels are left, all is never over. */
  #forgetPast(): void {
    const now = this.now();
    for (const [topic, { until }] of this.#left) if (until < now) this.#left.delete(topic);
  }

  #isOver(left: Left): void {
    left.until = this.now() + LINGER_MS;
    this.#until = Math.max(...[...this.#left.values()].map(({ until }) => until));
  }
}

function isUnmatched({ status, response }: Record<string, unknown>): boolean {
  return status === "error" &&
    (response as { reason?: unknown } | undefined)?.reason === UNMATCHED;
}
