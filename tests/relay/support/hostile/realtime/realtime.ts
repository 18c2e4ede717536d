import { claimsOf } from "../world/people.ts";
import {
  binaryBroadcast,
  broadcastPayload,
  changePayload,
  databaseBinary,
  databasePayload,
  type Message,
  serverFrame,
  type Vsn,
} from "../network/frames.ts";
import type { Network, RelayEnd } from "../network/relay_end.ts";
import { UpstreamEnd } from "../network/upstream_end.ts";
import type { Channel } from "./channel.ts";
import { type Emission, isFor, matches } from "./emission.ts";
import { JoinRate, REFUSAL_MS } from "./join_rate.ts";
import { Ledger } from "./ledger.ts";
import { type Judgement, Line, type Tenant, type Watcher } from "./line.ts";
import { Rights } from "./rights.ts";

/** Whatever was wrong has shown by then. */
const FINE_MS = 90_000;
/** A way that takes longer may keep people waiting by itself. */
const SLOW_MS = 1_000;

/** What comes of a dial; one that is dropped is open for a moment. */
export type Dialling = "ok" | "refused" | "hangs" | "dropped";

/** What it is like out there at the moment. */
export interface Weather {
  dial: Dialling;
  /** How much later than at once a join is answered. */
  lateMs: number;
  /** So many joins more find the connection pool busy. */
  pool: number;
}

/** How far away Realtime is, and how it works there: see Settings. */
export interface Place {
  up: number;
  down: number;
  checkMs: number;
  subscribeMs: number;
  arrays: boolean;
  maxChannels: number;
  mixedIds: boolean;
}

/** A Realtime in this process, as docs and recordings have it, that fails when it is told to. */
export class Realtime implements Tenant {
  readonly lines = new Set<Line>();
  /** Every one that was ever asked for. */
  readonly dialled: Line[] = [];
  /** By wire format and what was asked for: when the last such channel was over. */
  readonly #lastThere = new Map<string, number>();
  /** The most of them that there were at once. */
  mostLines = 0;
  readonly rights: Rights;
  readonly ledger: Ledger;
  readonly rate: JoinRate;
  readonly weather: Weather = { dial: "ok", lateMs: 0, pool: 0 };
  /** When something was last wrong on any way to it: lost, stalled, refused or late. */
  troubleAt = -Infinity;

  constructor(readonly world: Network & Watcher, readonly place: Place) {
    this.rights = new Rights(world.time);
    this.ledger = new Ledger(world.time);
    this.rate = new JoinRate(world.time);
  }

  get time(): Network["time"] {
    return this.world.time;
  }

  /** True where nothing has kept anybody waiting in the last minutes. */
  get isFine(): boolean {
    const { up, down } = this.place;
    // One that was given up meanwhile, at either end, is there for the other.
    const isStalled = ({ end, isOver }: Line) => end.isStalled && !(isOver && end.readyState === 3);
    if (this.dialled.some(isStalled)) return false;
    return this.time.now - this.troubleAt > FINE_MS && up + down < SLOW_MS &&
      this.weather.dial === "ok";
  }

  /** Begins to open a socket, as a runtime's dial() does. */
  dial(url: URL): RelayEnd {
    const { up, down } = this.place;
    const end = new UpstreamEnd(this.world, this.place);
    const line = end.far = new Line(this, url, end);
    this.dialled.push(line);
    const { dial } = this.weather;
    if (dial === "hangs") return end;
    this.time.after(up + down, () => {
      if (dial === "refused" || this.rate.isOver) return end.end(1006);
      if (end.readyState !== 0) return;
      this.lines.add(line);
      this.mostLines = Math.max(this.mostLines, this.lines.size);
      end.open();
      if (dial === "dropped") this.time.after(1, () => line.lose(1006));
    });
    return end;
  }

  /** Since when nobody has joined that: Infinity where somebody has, or nobody had. */
  goneSince(vsn: Vsn, ask: string): number {
    const isThere = this.#channels().some((it) => it.ask === ask && it.wire.vsn === vsn);
    return isThere ? Infinity : this.#lastThere.get(`${vsn} ${ask}`) ?? Infinity;
  }

  /** A channel is over. */
  went({ wire: { vsn }, ask }: Channel): void {
    this.#lastThere.set(`${vsn} ${ask}`, this.time.now);
  }

  /** How many of its sockets were open then, or since. */
  linesSince(time: number): number {
    return this.dialled.filter(({ end: { closedAt } }) => (closedAt ?? Infinity) >= time).length;
  }

  /** Does something to one of its sockets by number, or to all of them where it is 0. */
  trouble(which: number, work: (line: Line) => void): void {
    this.troubleAt = this.time.now;
    const lines = this.dialled.filter(({ end }) => end.readyState === 1 || end.readyState === 2);
    if (lines.length === 0) return;
    for (const line of which === 0 ? lines : [lines[which % lines.length]]) work(line);
  }

  /** The weather changes. */
  become(weather: Weather): void {
    this.troubleAt = this.time.now;
    Object.assign(this.weather, weather);
  }

  /** Ends the channels of a topic. */
  kill(topic: string, event: "phx_close" | "phx_error"): void {
    for (const channel of this.#channels()) {
      if (channel.topic === topic) channel.wire.finish(channel, event);
    }
  }

  forget(line: Line): void {
    this.lines.delete(line);
  }

  judge(channel: Channel, token: string | undefined, joined: number): Judgement {
    const { weather, time } = this;
    const reason = this.#refusal(channel, token, joined);
    if (reason !== undefined || weather.lateMs > 0) this.troubleAt = time.now;
    return reason === undefined ? { wait: weather.lateMs } : { wait: REFUSAL_MS, reason };
  }

  broadcast(from: Channel, n: number): void {
    const push = this.world.pushes.get(n);
    if (!push) return;
    const { topic, config: { private: isPrivate } } = from;
    const { size, client, isBinary } = push;
    const emission = this.ledger.broadcast(n, topic, isPrivate, size, client);
    const payload = payloadOf(n, size);
    const binary = isBinary && binaryBroadcast(topic, "", new TextEncoder().encode(payload));
    this.#send(emission, (vsn) => {
      if (binary && vsn === "2.0.0") return binary;
      return serverFrame(vsn, to(topic), sentPayload(payload));
    }, from);
  }

  /** The database says this by realtime.send(). */
  emit(topic: string, isPrivate: boolean, size: number): void {
    const n = this.world.nextNumber();
    this.#send(this.ledger.broadcast(n, topic, isPrivate, size), (vsn) => {
      if (vsn === "2.0.0") return databaseBinary(topic, n, size);
      return serverFrame(vsn, to(topic), databasePayload(n, size));
    });
  }

  /** An HTTP broadcast of a client's. */
  post(topic: string, isPrivate: boolean, n: number): void {
    const text = sentPayload(payloadOf(n, 0));
    const emission = this.ledger.broadcast(n, topic, isPrivate, 0);
    this.#send(emission, (vsn) => serverFrame(vsn, to(topic), text));
  }

  /** A row was inserted. Whoever is subscribed by then is told when that was checked. */
  change(table: string, slug: string, size: number): void {
    const n = this.world.nextNumber();
    const emission = this.ledger.change(n, table, slug, size);
    const channels = this.#channels().filter((it) => it.isSubscribed && isFor(emission, whoOf(it)));
    this.time.after(this.place.checkMs, () => {
      for (const channel of channels) {
        if (!channel.isThere) continue;
        const { topic, wire, config } = channel;
        const ids = config.bindings.filter((it) => matches(it, emission))
          .map((it) => channel.idOf(it));
        const vsn = this.place.arrays ? "2.0.0" : wire.vsn;
        const payload = changePayload(n, size, ids, table, slug);
        wire.say(serverFrame(vsn, to(topic, "postgres_changes"), payload));
      }
    });
  }

  diff(from: Channel): void {
    for (const channel of this.#channels()) {
      if (channel.topic !== from.topic || channel.config.private !== from.config.private) continue;
      const payload = { joins: { k: { metas: [{ phx_ref: "r" }] } }, leaves: {} };
      channel.wire.tell(to(from.topic, "presence_diff"), payload);
    }
  }

  #refusal(channel: Channel, token: string | undefined, joined: number): string | undefined {
    const { weather, time } = this;
    if (joined >= this.place.maxChannels) return "ChannelRateLimitReached: Too many channels";
    if (weather.pool > 0) {
      weather.pool--;
      return "IncreaseConnectionPool: Please increase your connection pool size";
    }
    if (token !== undefined && (claimsOf.get(token)?.expiresAt ?? 0) <= time.now) {
      return "InvalidJWTToken: Token has expired 0 seconds ago";
    }
    if (!channel.config.private || channel.may("read")) return undefined;
    const name = channel.topic.replace("realtime:", "");
    return `Unauthorized: You do not have permissions to read from this Channel topic: ${name}`;
  }

  #send(emission: Emission, make: (vsn: Vsn) => Message, from?: Channel): void {
    const made = new Map<Vsn, Message>();
    for (const channel of this.#channels()) {
      if (channel === from && !channel.config.self) continue;
      if (!isFor(emission, whoOf(channel))) continue;
      const { vsn } = channel.wire;
      if (!made.has(vsn)) made.set(vsn, make(vsn));
      channel.wire.say(made.get(vsn)!);
    }
  }

  #channels(): Channel[] {
    const channels = [...this.lines].flatMap(({ channels }) => [...channels.values()]);
    return channels.filter(({ isThere, isLeaving }) => isThere && !isLeaving);
  }
}

/** Realtime does not know clients, only channels. */
const whoOf = ({ topic, config }: Channel) => ({ topic, config, client: undefined });

const to = (topic: string, event = "broadcast") => ({ joinRef: null, ref: null, topic, event });

/** A broadcast of a client's, as it is sent on. */
const sentPayload = (inner: string) => `{"event":"e","payload":${inner},"type":"broadcast"}`;

/** The inner payload of a client's broadcast. */
function payloadOf(n: number, size: number): string {
  const text = broadcastPayload(n, size);
  return text.slice(text.indexOf('"payload":') + '"payload":'.length, -1);
}
