import type { Client } from "../oracle/client.ts";
import type { Push } from "../realtime/push.ts";
import { claimsOf } from "../world/people.ts";
import { ClientEnd, type Peer } from "./client_end.ts";
import {
  binaryPush,
  broadcastPayload,
  clientFrame,
  type Head,
  type Message,
  sizeOf,
  type Vsn,
} from "./frames.ts";
import type { Network } from "./relay_end.ts";

/** Who hears what parties say and are told. */
export interface Company extends Network {
  nextNumber(): number;
  /** Before the relay hears it. */
  partySays(party: Party, head: Head, payload: unknown): void;
  partyPushes(party: Party, push: Push): void;
  /** After the relay has heard it. */
  relayHeard(party: Party): void;
  relayTells(party: Party, message: Message): void;
  relayCloses(party: Party, code: number, reason: string): void;
}

export interface PartyOptions {
  index: number;
  vsn: Vsn;
  /** What it brings: a key, or a token, good or bad. */
  credential: string;
  pace: number;
  isMute: boolean;
  offersNotices: boolean;
  beats: boolean;
  /** Its address, by number. */
  from: number;
}

/** Realtime wants one for 60 s; every client sends one at this pace. */
const HEARTBEAT_MS = 25_000;

/** Somebody with a socket to the relay. */
export class Party implements Peer {
  readonly end: ClientEnd;
  pace: number;
  isMute: boolean;
  /** The subprotocol that was answered. */
  protocol: string | undefined;
  /** The relay has given it a socket, and when it let it in. */
  isUpgraded = false;
  admittedAt: number | undefined;
  /** It was given one that waits until a frame names its user. */
  waits = false;
  /** By what code it was refused, and when. */
  refusal: { code: string; at: number } | undefined;
  openedAt = Infinity;
  /** What it has said, in bytes or UTF-16 units. */
  said = 0;
  /** When the relay heard it, the latest last, and what it had said before. */
  readonly #heard: { at: number; said: number }[] = [];
  /** The status of a plain answer. */
  status: number | undefined;
  client!: Client;
  /** What it will say when its socket is open. */
  readonly #waiting: (() => void)[] = [];
  /** Broadcasts that Realtime was handed. */
  pushed = 0;
  #refs = 0;

  constructor(readonly world: Company, readonly options: PartyOptions) {
    this.pace = options.pace;
    this.isMute = options.isMute;
    this.end = new ClientEnd(world, this);
    if (options.beats) this.#beat();
  }

  /** When the relay last heard it, or its socket opened. */
  get heardAt(): number {
    return this.#heard.at(-1)?.at ?? this.openedAt;
  }

  /** The same of what was heard before `time`. */
  heardBefore(time: number): number {
    return this.#heard.findLast(({ at }) => at < time)?.at ?? this.openedAt;
  }

  /** What it has said since then. */
  saidSince(time: number): number {
    return this.said - (this.#heard.find(({ at }) => at >= time)?.said ?? this.said);
  }

  /** Whom the handshake named. */
  get firstSub(): string | undefined {
    return claimsOf.get(this.options.credential)?.sub;
  }

  get isAdmitted(): boolean {
    return this.admittedAt !== undefined;
  }

  /** Whose place it takes: of the user that the handshake named, or the first frame. */
  get placedSub(): string | undefined {
    return this.waits ? this.client.who.sub : this.firstSub;
  }

  /** It waits for its user, and has not been told to go. */
  get isUnnamed(): boolean {
    return this.waits && !this.#isNamed && !this.refusal && this.end.readyState < 2;
  }

  /** Its user is named, and Realtime is dialled for it. */
  get isDialling(): boolean {
    return this.waits && this.#isNamed && !this.isAdmitted && !this.refusal;
  }

  /** A frame has named its user, and the token was verified by now. */
  get #isNamed(): boolean {
    return this.world.time.now >= (this.client.who.namedAt ?? Infinity);
  }

  get isOpen(): boolean {
    return this.end.readyState === 1;
  }

  /** Not open yet, and not refused either. */
  get isComing(): boolean {
    return this.end.readyState === 0 && this.status === undefined;
  }

  get reads(): boolean {
    return this.pace === Infinity;
  }

  sent(message: Message): void {
    this.world.relayTells(this, message);
  }

  told(code: number, reason: string): void {
    this.world.relayCloses(this, code, reason);
  }

  gone(): void {
    this.client.over();
  }

  say(topic: string, event: string, payload: unknown, joinRef?: string | null): void {
    this.#once(() => {
      const ref = this.#ref();
      const own = event === "phx_join" ? ref : this.#joinRef(topic);
      const head = { joinRef: joinRef === undefined ? own : joinRef, ref, topic, event };
      this.world.partySays(this, head, payload);
      this.#hear(clientFrame(this.options.vsn, head, JSON.stringify(payload)));
    });
  }

  /** A heartbeat with this ref. */
  beat(ref: string): void {
    const head = { joinRef: null, ref, topic: "phoenix", event: "heartbeat" };
    this.#once(() => this.#hear(clientFrame(this.options.vsn, head, "{}")));
  }

  push(topic: string, size: number, isBinary: boolean): void {
    this.#once(() => {
      const { vsn, index } = this.options;
      const ref = this.#ref();
      const head = { joinRef: this.#joinRef(topic), ref, topic };
      const n = this.world.nextNumber();
      const binary = isBinary && vsn === "2.0.0";
      const push = { n, client: index, head, size, isBinary: binary };
      this.world.partyPushes(this, push);
      if (binary) this.#hear(binaryPush(topic, head.joinRef ?? "", ref, n, size));
      else this.#hear(clientFrame(vsn, { ...head, event: "broadcast" }, broadcastPayload(n, size)));
    });
  }

  /** Says something that is no frame of the protocol, or too big a one. */
  shout(size: number): void {
    this.#once(() => this.#hear("x".repeat(size)));
  }

  /** The relay has answered, with a socket or without one. */
  answered(status: number): void {
    this.status = status;
    if (!this.isUpgraded) return;
    if (this.end.readyState === 0) this.openedAt = this.world.time.now;
    this.end.open();
    for (const work of this.#waiting.splice(0)) this.#once(work);
  }

  /** As soon as its socket is open and the relay can hear it, and not at all where that is over. */
  #once(work: () => void): void {
    if (this.isOpen) this.world.time.arrive(() => this.isOpen && work());
    else if (this.isComing) this.#waiting.push(work);
  }

  #hear(message: Message): void {
    const { now } = this.world.time;
    if (this.heardAt < now) this.#heard.push({ at: now, said: this.said });
    this.said += sizeOf(message);
    this.end.receive(message);
    this.world.relayHeard(this);
  }

  #beat(): void {
    this.world.time.after(HEARTBEAT_MS, () => {
      if (this.end.readyState >= 2) return;
      this.say("phoenix", "heartbeat", {});
      this.#beat();
    });
  }

  #ref(): string {
    return String(++this.#refs);
  }

  #joinRef(topic: string): string | null {
    return this.client.at(topic).at(-1)?.ref ?? null;
  }
}
