/** Who has joined which topic. A public and a private topic of one name are two. */
import type { Channel } from "./channel.ts";
import type { Rate } from "./limits.ts";
import type { Outgoing } from "./serializer.ts";

export class Topics {
  /** `events` counts what is sent and received in a minute. */
  constructor(readonly events: Rate) {}

  #members = new Map<string, Set<Channel>>();

  add(channel: Channel) {
    const key = keyOf(channel.name, channel.config.private);
    const members = this.#members.get(key) ?? new Set();
    this.#members.set(key, members.add(channel));
  }

  delete(channel: Channel) {
    const key = keyOf(channel.name, channel.config.private);
    const members = this.#members.get(key);
    if (members?.delete(channel) && members.size === 0) this.#members.delete(key);
  }

  of(name: string, isPrivate: boolean): Iterable<Channel> {
    return this.#members.get(keyOf(name, isPrivate)) ?? [];
  }

  /** Sends a broadcast to everybody on a topic but `except`. */
  send(name: string, isPrivate: boolean, outgoing: Outgoing, except?: Channel) {
    this.events.take();
    for (const channel of this.of(name, isPrivate)) {
      if (channel === except) continue;
      channel.socket.send(outgoing);
      // Not at once: the sender may be among them, and its reply comes first.
      if (!this.events.take()) {
        queueMicrotask(() => channel.shutDown("Too many messages per second"));
      }
    }
  }
}

const keyOf = (name: string, isPrivate: boolean) => `${isPrivate ? "private" : "public"}:${name}`;
