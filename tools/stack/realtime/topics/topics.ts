/** Who has joined which topic, and broadcasts to them. */
import type { Rate } from "../rate.ts";
import type { Outgoing } from "../wire/frame.ts";
import type { Access } from "./access.ts";
import { keyOf, type Topic } from "./topic.ts";

/** What a topic needs of a channel that has joined it. */
export interface Member extends Topic {
  /** Of now: a new token may change it. */
  readonly access: Access;
  send(frame: Outgoing): void;
  /** Ends the channel with the reason. */
  shutDown(reason: string): void;
}

export class Topics {
  /** `events` counts what is sent and received in a minute. */
  constructor(readonly events: Rate) {}

  #members = new Map<string, Set<Member>>();

  add(member: Member) {
    const members = this.#members.get(keyOf(member)) ?? new Set();
    this.#members.set(keyOf(member), members.add(member));
  }

  delete(member: Member) {
    const members = this.#members.get(keyOf(member));
    if (members?.delete(member) && members.size === 0) this.#members.delete(keyOf(member));
  }

  of(topic: Topic): Iterable<Member> {
    return this.#members.get(keyOf(topic)) ?? [];
  }

  /** Sends a broadcast to everybody on a topic but `except`. */
  send(topic: Topic, frame: Outgoing, except?: Member) {
    this.events.take();
    for (const member of this.of(topic)) {
      if (member === except || !member.access.broadcast) continue;
      member.send(frame);
      // Not at once: the sender may be among them, and its reply comes first.
      if (!this.events.take()) {
        queueMicrotask(() => member.shutDown("Too many messages per second"));
      }
    }
  }
}
