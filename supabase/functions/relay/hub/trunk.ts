import type { Awake } from "../peer/awake.ts";
import type { Dialled } from "../realtime/dial.ts";
import { RelayError, toRelayError } from "../errors.ts";
import { takeApart, topicOfBroadcast } from "../realtime/frame.ts";
import type { Course, Group } from "./group/group.ts";
import { Joins } from "./joins.ts";
import type { Pace } from "./pace.ts";
import { encodeFrame } from "../realtime/phoenix.ts";
import { type LogLine, type Message, OPEN } from "../runtime.ts";
import { Backlog, type Unsent } from "../peer/unsent.ts";
import type { Vsn } from "../realtime/upstream.ts";

/** Realtime closes a socket that says nothing for 60 s; an answer that is not there by the next. */
const HEARTBEAT_MS = 25_000;

/** A restarted Realtime is back in seconds; one that is not is asked less and less often. */
const BACKOFF_MS = { first: 500, most: 10_000 };

/** Viewers of a channel that has not stood for so long are told: their own client knows what to do. */
const GIVE_UP_MS = 60_000;

/** A join that Realtime had no room for is sent again after this. */
const AGAIN_MS = 1_000;

/** What waits for the answer to a heartbeat, since when; also by the clock of `awake`. */
interface Beat {
  at: number;
  ms: number;
  onAnswer(): void;
}

export interface TrunkOptions {
  vsn: Vsn;
  /** Its channels are private ones. */
  isPrivate: boolean;
  /** It is given no more of them. */
  maxChannels: number;
  dial(): Promise<Dialled>;
  unsent: Unsent;
  now(): number;
  awake: Awake;
  log(line: LogLine): void;
  /** Lets joins go out one after the other. */
  pace: Pace;
  /** The channel of this group is gone, and the group with it. */
  onEnd(group: Group): void;
}

/** One socket to Realtime, which carries the channels of many groups, each of another topic. */
export class Trunk {
  /** By topic. */
  readonly groups = new Map<string, Group>();
  /** So many channels Realtime takes on a socket, as far as it has refused more. */
  #most = Infinity;
  #upstream: Dialled | undefined;
  #backlog: Backlog | undefined;
  #dialling = false;
  #lostAt: number | undefined;
  /** When Realtime last said anything. */
  #heardAt = 0;
  /** When the newest heartbeat was sent that is answered: all that was said until then is here. */
  #beatenAt = 0;
  #wait = BACKOFF_MS.first;
  #stopTimer = () => {};
  #refs = 0;
  /** Heartbeats that are not answered yet, by their ref, the oldest first. */
  readonly #awaited = new Map<string, Beat>();
  /** Also those of channels that were left since. */
  readonly #joins: Joins;

  constructor(readonly options: TrunkOptions) {
    this.#joins = new Joins(options.vsn);
  }

  get isOpen(): boolean {
    return this.#upstream !== undefined;
  }

  /** True where it has room for the channel of another topic. */
  hasRoom(topic: string): boolean {
    const most = Math.min(this.options.maxChannels, this.#most);
    return this.groups.size < most && !this.groups.has(topic);
  }

  /** Joins the group's channel, now or as soon as there is a socket. */
  join(group: Group): void {
    this.groups.set(group.topic, group);
    if (this.#upstream) this.#joinInTurn(group);
    else if (this.#lostAt === undefined) this.#dial();
  }

  /** Leaves the group's channel. With the last one the socket is closed. */
  leave(group: Group): void {
    if (this.groups.get(group.topic) !== group) return;
    this.groups.delete(group.topic);
    const { topic, joinRef } = group;
    if (joinRef) {
      this.#send({ topic, event: "phx_leave", payload: {}, join_ref: JSON.parse(joinRef) });
    }
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

  #opened(upstream: Dialled): void {
    const { now, log, unsent } = this.options;
    const backlog = new Backlog(unsent, upstream.socket);
    this.#upstream = upstream;
    this.#heardAt = this.#beatenAt = now();
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
    this.#pulseLater();
    // Each that is one too many would keep the others waiting for its refusal.
    for (const group of [...this.groups.values()].slice(this.#most)) {
      group.makeRoom();
      this.#forget(group);
    }
    for (const group of this.groups.values()) this.#joinInTurn(group);
  }

  /** Nobody answered: whoever waits is told, and whoever is a member already waits on. */
  #failed(error: RelayError): void {
    this.#lostAt ??= this.options.now();
    for (const group of this.groups.values()) group.refuse(error);
    this.#retry(error);
  }

  /** Dials again later, for those who have not waited too long. */
  #retry(error: RelayError): void {
    for (const group of this.groups.values()) {
      if (group.isDownFor(GIVE_UP_MS)) {
        group.refuse(error);
        group.end(error);
      }
      if (group.isEmpty) this.#forget(group);
    }
    if (this.groups.size === 0) return this.#close();
    const wait = this.#wait * (0.5 + Math.random() / 2);
    this.#stopTimer = this.options.awake.after(wait, () => this.#dial());
    this.#wait = Math.min(2 * this.#wait, BACKOFF_MS.most);
  }

  #lost(): void {
    const { now, log } = this.options;
    const hasAll = this.#hasAllUntil();
    this.#hangUp();
    this.#lostAt = now();
    log({ event: "hub_lost", groups: this.groups.size });
    for (const group of this.groups.values()) group.lost(hasAll);
    this.#retry(new RelayError("upstream_lost", "Realtime ends the connection again and again."));
  }

  /**
   * Until when all is here that Realtime had to say. A socket is one process there, which sends nothing
   * while it is at a join: what comes meanwhile waits behind it. What is heard after a standstill may
   * have waited all the time.
   */
  #hasAllUntil(): number {
    const [beat] = this.#awaited.values();
    const stoodStill = this.options.awake.stoodSince(this.#beatenAt) ?? Infinity;
    return Math.min(this.#heardAt, this.#joins.oldestAt, beat?.at ?? Infinity, stoodStill);
  }

  #receive(message: Message): void {
    this.#heardAt = this.options.now();
    if (typeof message !== "string") {
      const topic = topicOfBroadcast(message) ?? "";
      if (!this.#joins.isOfEarlier(topic)) this.groups.get(topic)?.broadcast(message);
      return;
    }
    const parts = takeApart(this.options.vsn, message);
    if (!parts) return;
    if (parts.topic === "phoenix") return this.#beaten(parts.ref);
    this.#joins.hear(parts);
    const isForAll = parts.ref === "null" && parts.joinRef === "null";
    if (isForAll && this.#joins.isOfEarlier(parts.topic)) return;
    const group = this.groups.get(parts.topic);
    const course = group?.take(parts, message);
    if (group && course) this.#follow(group, course);
  }

  #follow(group: Group, course: Course): void {
    if (course === "later") this.#joinLater(group);
    if (course === "on" || course === "later") return;
    this.#forget(group);
    if (course === "full") this.#most = this.#joined;
    if (this.groups.size === 0) this.#close();
  }

  /** How many channels are there, and at least one. */
  get #joined(): number {
    return Math.max(1, [...this.groups.values()].filter(({ isJoined }) => isJoined).length);
  }

  #forget(group: Group): void {
    this.groups.delete(group.topic);
    this.options.onEnd(group);
  }

  /** An upstream that has not answered a heartbeat for as long as is between two is given up. */
  #pulse(): void {
    const [oldest] = this.#awaited.values();
    if (oldest && this.options.awake.look() - oldest.ms >= HEARTBEAT_MS) return this.#lost();
    for (const group of this.groups.values()) {
      if (!group.isOverdue(HEARTBEAT_MS)) continue;
      this.leave(group);
      this.options.onEnd(group);
    }
    // A socket that opens and is lost at once is no sign that all is well again.
    this.#beat(() => this.#wait = BACKOFF_MS.first);
    if (this.#upstream) this.#pulseLater();
  }

  #pulseLater(): void {
    this.#stopTimer = this.options.awake.after(HEARTBEAT_MS, () => this.#pulse());
  }

  #beat(onAnswer: () => void): void {
    const { now, awake } = this.options;
    const ref = this.#nextRef();
    this.#awaited.set(JSON.stringify(ref), { at: now(), ms: awake.look(), onAnswer });
    this.#send({ ref, topic: "phoenix", event: "heartbeat", payload: {} });
  }

  #beaten(ref: string): void {
    const beat = this.#awaited.get(ref);
    if (!beat) return;
    this.#beatenAt = beat.at;
    for (const group of this.groups.values()) group.standsAt(beat.at);
    beat.onAnswer();
    this.#awaited.delete(ref);
  }

  #nextRef(): string {
    return String(++this.#refs);
  }

  async #joinInTurn(group: Group): Promise<void> {
    const upstream = this.#upstream;
    // It may be left, or the socket lost, while it waits.
    const isHere = () => this.groups.get(group.topic) === group && this.#upstream === upstream;
    if (!isHere()) return;
    const course = group.options.share.isPrivate ? await group.prepare() : "on";
    if (!isHere()) return;
    if (course !== "on") return this.#follow(group, course);
    this.options.pace.run(() => isHere() && this.#sendJoin(group));
  }

  /** On a socket that is opened meanwhile it is joined at once: a second join would replace that one. */
  #joinLater(group: Group): void {
    // What waits for the hub's own pace has a turn to come.
    if (group.isDownFor(GIVE_UP_MS) && !this.options.pace.isFull) {
      group.giveUp(new RelayError("upstream_timeout", "Realtime has had no room for the join."));
      return this.#follow(group, "over");
    }
    const upstream = this.#upstream;
    setTimeout(() => this.#upstream === upstream && this.#joinInTurn(group), AGAIN_MS);
  }

  #sendJoin(group: Group): void {
    const ref = this.#nextRef();
    group.sent(ref);
    this.#joins.sent(group.topic, ref, this.options.now());
    const payload = JSON.parse(group.options.share.payload);
    this.#send({ join_ref: ref, ref, topic: group.topic, event: "phx_join", payload });
  }

  #send(frame: Parameters<typeof encodeFrame>[1]): void {
    if (this.#upstream?.socket.readyState !== OPEN) return;
    const text = encodeFrame(this.options.vsn, frame);
    if (this.#backlog!.hasRoom(text.length)) this.#upstream.send(text);
    else this.#lost(); // It does not read.
  }

  #close(): void {
    this.#hangUp();
    this.#lostAt = undefined;
  }

  #hangUp(): void {
    const socket = this.#upstream?.socket;
    this.#upstream = undefined;
    this.#stopTimer();
    this.#awaited.forEach(({ onAnswer }) => onAnswer());
    this.#awaited.clear();
    this.#joins.clear();
    if (socket?.readyState === OPEN) socket.close(1000);
  }
}
