import type { Config } from "../config/config.ts";
import type { Awake } from "../peer/awake.ts";
import type { Measures } from "../measure/measures.ts";
import type { Turn } from "../peer/turn.ts";
import { Kept, type Unsent } from "../peer/unsent.ts";
import type { Vsn } from "../realtime/upstream.ts";
import { type FanOut, Group } from "./group/group.ts";
import { Pace } from "./pace.ts";
import { LOOK_MS } from "./group/readers.ts";
import { Rights } from "./rights.ts";
import type { Seat } from "./group/seat.ts";
import type { Share } from "./group/share_key.ts";
import { Trunk, type TrunkOptions } from "./trunk.ts";

/** A page that is loaded anew finds its channel as it left it. */
const LINGER_MS = 5_000;

/**
 * Sockets of the hub to Realtime, for each wire format and for public and private channels, so that
 * none takes the other's room. Whoever finds no place on one gets a tunnel, as without a hub.
 */
const MAX_TRUNKS = 16;

/**
 * Characters of all joins that are shared: 655 for each channel that these sockets have room for. A
 * group keeps its join several times, as name, text and answer, and strangers write it.
 */
const MAX_LENGTH = 4 << 20;

export interface GroupsOptions extends Pick<TrunkOptions, "now" | "log"> {
  config: Config;
  awake: Awake;
  unsent: Unsent;
  turn: Turn;
  measures: Pick<Measures, "fanOut">;
  /** Opens a socket to Realtime. */
  dial(vsn: Vsn): ReturnType<TrunkOptions["dial"]>;
}

/** All groups of a worker, and the sockets that carry their channels. */
export class Groups {
  readonly fanOut: FanOut = { received: 0, delivered: 0 };
  readonly pace: Pace;
  readonly #rights: Rights;
  /** By the name of what they share. */
  readonly #groups = new Map<string, Group>();
  /** Characters of their joins. */
  #length = 0;
  readonly #trunks = new Set<Trunk>();
  /** Those in which somebody is behind, and the timer that looks after them. */
  readonly #behind = new Set<Group>();
  #looking: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly options: GroupsOptions) {
    const { dial, now, awake } = options;
    this.pace = new Pace(now);
    this.#rights = new Rights({ dial, pace: this.pace, now, awake });
  }

  /** How many channels are shared. */
  get size(): number {
    return this.#groups.size;
  }

  /** How many sockets to Realtime are open. */
  get upstreams(): number {
    return [...this.#trunks].filter((trunk) => trunk.isOpen).length;
  }

  /** True if a seat would be one of a channel that is there already, or asks nothing of Realtime. */
  has(share: Share): boolean {
    return this.#groups.has(share.name);
  }

  /** Takes a seat; undefined where the hub is full. */
  join(vsn: Vsn, topic: string, share: Share, seat: Seat): Group | undefined {
    const group = this.#groups.get(share.name) ?? this.#begin(vsn, topic, share);
    if (!group) return undefined;
    clearTimeout(group.linger);
    group.linger = undefined;
    group.add(seat);
    return group;
  }

  leave(group: Group, seat: Seat): void {
    group.remove(seat);
    if (group.isEmpty) this.#rest(group);
  }

  /** Sends on what has come by now and waits for the turn's end. */
  deliver(): void {
    this.options.turn.end();
  }

  /** Resolves when all that Realtime has sent to the group by now has come. */
  flush(group: Group): Promise<void> {
    return this.#trunkOf(group)?.flush() ?? Promise.resolve();
  }

  #rest(group: Group): void {
    if (this.#groups.get(group.options.share.name) !== group) return;
    group.linger ??= setTimeout(() => this.#drop(group), LINGER_MS);
  }

  #begin(vsn: Vsn, topic: string, share: Share): Group | undefined {
    const isFull = this.pace.isFull || this.#length + share.payload.length > MAX_LENGTH;
    const trunk = isFull ? undefined : this.#place(vsn, topic, share.isPrivate);
    if (!trunk) return undefined;
    const { now, awake, unsent, turn, measures } = this.options;
    const group = new Group({
      ...{ vsn, topic, share, now, awake, turn },
      fanOut: this.fanOut,
      took: measures.fanOut,
      kept: new Kept(unsent),
      isCrowded: () => unsent.isCrowded,
      onBehind: (group) => this.#watch(group),
      askRight: () => this.#rights.ask(topic),
      onEmpty: (group) => this.#rest(group),
    });
    this.#groups.set(share.name, group);
    this.#length += share.payload.length;
    trunk.join(group);
    return group;
  }

  /** One timer for all who are behind, which runs only while there are any. */
  #watch(group: Group): void {
    this.#behind.add(group);
    if (this.#looking !== undefined) return;
    this.options.awake.look();
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#looking = setTimeout(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    this.#looking = undefined;
    const { awake, unsent } = this.options;
    const time = awake.look(LOOK_MS);
    unsent.look(time);
    for (const group of this.#behind) {
      if (!group.members.catchUp(time)) this.#behind.delete(group);
    }
    if (this.#behind.size > 0) this.#lookAgain();
  }

  /** A socket on which the topic is free: it can be joined once on each. */
  #place(vsn: Vsn, topic: string, isPrivate: boolean): Trunk | undefined {
    const fitting = [...this.#trunks].filter(({ options }) =>
      options.vsn === vsn && options.isPrivate === isPrivate
    );
    const free = fitting.find((trunk) => trunk.hasRoom(topic));
    if (free) return free;
    const left = fitting.find((trunk) => trunk.groups.get(topic)?.linger !== undefined);
    if (!left) return fitting.length < MAX_TRUNKS ? this.#open(vsn, isPrivate) : undefined;
    this.#drop(left.groups.get(topic)!);
    return this.#place(vsn, topic, isPrivate);
  }

  #open(vsn: Vsn, isPrivate: boolean): Trunk {
    const { dial, unsent, now, awake, log, config } = this.options;
    const trunk = new Trunk({
      ...{ vsn, isPrivate, unsent, now, awake, log },
      maxChannels: config.maxJoins,
      pace: this.pace,
      dial: () => dial(vsn),
      onEnd: (group) => this.#forget(group),
    });
    this.#trunks.add(trunk);
    return trunk;
  }

  #trunkOf(group: Group): Trunk | undefined {
    for (const trunk of this.#trunks) if (trunk.groups.get(group.topic) === group) return trunk;
  }

  /** Leaves the channel that nobody needs. */
  #drop(group: Group): void {
    this.#trunkOf(group)?.leave(group);
    this.#forget(group);
  }

  #forget(group: Group): void {
    clearTimeout(group.linger);
    const { name, payload } = group.options.share;
    if (this.#groups.get(name) === group) {
      this.#groups.delete(name);
      this.#length -= payload.length;
    }
    for (const trunk of this.#trunks) if (trunk.groups.size === 0) this.#trunks.delete(trunk);
  }
}
