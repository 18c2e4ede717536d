import type { Upstream } from "./dial.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { takeApart, topicOfBroadcast } from "./hub_frame.ts";
import type { Group } from "./hub_group.ts";
import { encodeFrame } from "./phoenix.ts";
import { type LogLine, type Message, OPEN } from "./runtime.ts";
import { Backlog, type Unsent } from "./unsent.ts";
import type { Vsn } from "./upstream.ts";

/** Realtime closes a socket that says nothing for 60 s; an answer that is not there by the next. */
const HEARTBEAT_MS = 25_000;

/** A restarted Realtime is back in seconds; one that is not is asked less and less often. */
const BACKOFF_MS = { first: 500, most: 10_000 };

/** Viewers that have seen nothing for so long are told: their own client knows what to do. */
const GIVE_UP_MS = 60_000;

export interface TrunkOptions {
  vsn: Vsn;
  dial(): Promise<Upstream>;
  unsent: Unsent;
  now(): number;
  log(line: LogLine): void;
  /** The channel of this group is gone, and the group with it. */
  onEnd(group: Group): void;
}

/** One socket to Realtime, which carries the channels of many groups, each of another topic. */
export class Trunk {
  /** By topic. */
  readonly groups = new Map<string, Group>();
  #upstream: Upstream | undefined;
  #backlog: Backlog | undefined;
  #dialling = false;
  #lostAt: number | undefined;
  #wait = BACKOFF_MS.first;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refs = 0;
  /** Heartbeats that are not answered yet, by their ref. */
  readonly #awaited = new Map<string, () => void>();

  constructor(readonly options: TrunkOptions) {}

  get isOpen(): boolean {
    return this.#upstream !== undefined;
  }

  /** Joins the group's channel, now or as soon as there is a socket. */
  join(group: Group): void {
    this.groups.set(group.topic, group);
    if (this.#upstream) this.#sendJoin(group);
    else if (this.#lostAt === undefined) this.#dial();
  }

  /** Leaves the group's channel. With the last one the socket is closed. */
  leave(group: Group): void {
    if (this.groups.get(group.topic) !== group) return;
    this.groups.delete(group.topic);
    const { topic, joinRef } = group;
    this.#send({ topic, event: "phx_leave", payload: {}, join_ref: JSON.parse(joinRef || "null") });
    if (this.groups.size === 0) this.#close();
  }

  /** Resolves when all is here that Realtime had sent by now. */
  flush(): Promise<void> {
    return new Promise((resolve) => this.#upstream ? this.#beat(resolve) : resolve());
  }

  async #dial(): Promise<void> {
    if (this.#dialling) return;
    this.#dialling = true;
    try {
      const upstream = await this.options.dial();
      this.#dialling = false;
      if (this.groups.size === 0) upstream.socket.close(1000);
      else this.#opened(upstream);
    } catch (thrown) {
      this.#dialling = false;
      this.#failed(toRelayError(thrown));
    }
  }

  #opened(upstream: Upstream): void {
    const { now, log, unsent } = this.options;
    const backlog = new Backlog(unsent, upstream.socket);
    this.#upstream = upstream;
    this.#backlog = backlog;
    unsent.watch(backlog);
    upstream.listen({
      onMessage: (message) => this.#upstream === upstream && this.#receive(message),
      onClose: () => {
        unsent.forget(backlog);
        if (this.#upstream === upstream) this.#lost();
      },
    });
    if (this.#upstream !== upstream) return; // Closed before anybody listened.
    if (this.#lostAt !== undefined) {
      log({ event: "hub_back", ms: now() - this.#lostAt, groups: this.groups.size });
    }
    this.#lostAt = undefined;
    this.#timer = setTimeout(() => this.#pulse(), HEARTBEAT_MS);
    for (const group of this.groups.values()) this.#sendJoin(group);
  }

  /** Nobody answered: whoever waits is told, and whoever is a member already waits on. */
  #failed(error: RelayError): void {
    const { now, onEnd } = this.options;
    this.#lostAt ??= now();
    const isOver = now() - this.#lostAt >= GIVE_UP_MS;
    for (const group of this.groups.values()) {
      group.refuse(error);
      if (isOver) group.end(error);
      if (!group.isEmpty) continue;
      this.groups.delete(group.topic);
      onEnd(group);
    }
    if (this.groups.size === 0) this.#close();
    else this.#retry();
  }

  #retry(): void {
    this.#timer = setTimeout(() => this.#dial(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(2 * this.#wait, BACKOFF_MS.most);
  }

  #lost(): void {
    const { now, log } = this.options;
    this.#hangUp();
    this.#lostAt = now();
    log({ event: "hub_lost", groups: this.groups.size });
    for (const group of this.groups.values()) group.lost();
    this.#retry();
  }

  #receive(message: Message): void {
    if (typeof message !== "string") {
      const topic = topicOfBroadcast(message);
      if (topic !== undefined) this.groups.get(topic)?.broadcast(message);
      return;
    }
    const parts = takeApart(this.options.vsn, message);
    if (!parts) return;
    if (parts.topic === "phoenix") return this.#beaten(parts.ref);
    const group = this.groups.get(parts.topic);
    if (!group || group.take(parts, message)) return;
    this.groups.delete(group.topic);
    this.options.onEnd(group);
    if (this.groups.size === 0) this.#close();
  }

  /** An upstream that has not answered by the next heartbeat is given up. */
  #pulse(): void {
    if (this.#awaited.size > 0) return this.#lost();
    for (const group of this.groups.values()) {
      if (!group.isOverdue()) continue;
      this.leave(group);
      this.options.onEnd(group);
    }
    // A socket that opens and is lost at once is no sign that all is well again.
    this.#beat(() => this.#wait = BACKOFF_MS.first);
    if (this.#upstream) this.#timer = setTimeout(() => this.#pulse(), HEARTBEAT_MS);
  }

  #beat(onAnswer: () => void): void {
    const ref = this.#nextRef();
    this.#awaited.set(JSON.stringify(ref), onAnswer);
    this.#send({ ref, topic: "phoenix", event: "heartbeat", payload: {} });
  }

  #beaten(ref: string): void {
    this.#awaited.get(ref)?.();
    this.#awaited.delete(ref);
  }

  #nextRef(): string {
    return String(++this.#refs);
  }

  #sendJoin(group: Group): void {
    const ref = this.#nextRef();
    group.joinRef = JSON.stringify(ref);
    const payload = JSON.parse(group.options.share.payload);
    this.#send({ join_ref: ref, ref, topic: group.topic, event: "phx_join", payload });
  }

  #send(frame: Parameters<typeof encodeFrame>[1]): void {
    if (this.#upstream?.socket.readyState !== OPEN) return;
    const text = encodeFrame(this.options.vsn, frame);
    if (this.#backlog!.hasRoom(text.length)) this.#upstream.socket.send(text);
    else this.#lost(); // It does not read.
  }

  #close(): void {
    this.#hangUp();
    this.#lostAt = undefined;
  }

  #hangUp(): void {
    const socket = this.#upstream?.socket;
    this.#upstream = undefined;
    clearTimeout(this.#timer);
    this.#awaited.forEach((onAnswer) => onAnswer());
    this.#awaited.clear();
    if (socket?.readyState === OPEN) socket.close(1000);
  }
}
