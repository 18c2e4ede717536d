import { bodyOf, type Message, type Row, timeText } from "./database.ts";
import { digits, type Payload } from "./frames.ts";
import { type Emission, ROW } from "../judge/ledger.ts";
import type { Channel } from "./channel.ts";
import { idOf } from "./history.ts";
import type { Line } from "./line.ts";
import { Presence } from "./presence.ts";
import { type ChannelName, type ChannelPlan, CHANNELS, planOf } from "../script/script.ts";
import type { World } from "../world.ts";

const MIRROR = "orders:a";

const COLUMNS = [["id", "int8"], ["n", "int4"], ["slug", "text"], ["placed_at", "timestamptz"], [
  "changed_at",
  "timestamptz",
], ["rev", "int4"]].map(([name, type]) => ({ name, type }));

/** So much of what came before its loss a gap covers, by docs/CLIENT.md. */
const IN_FLIGHT_MS = 10_000;

/** All channels of all lines: who is joined, and what each is sent. */
export class Realtime {
  readonly lines = new Set<Line>();
  worker = 1;
  readonly presence: Presence;
  /** Topics of which the relay loses events at the moment. */
  readonly lossy = new Set<string>();
  #places = new Map<string, number>();

  constructor(readonly world: World) {
    this.presence = new Presence(world);
  }

  // --- channels

  /** After a change of the publication every channel is subscribed anew. */
  resubscribe(): void {
    for (const channel of this.channels()) channel.resubscribe();
  }

  endChannel(name: ChannelName, event: "phx_close" | "phx_error"): void {
    const isLimit = event === "phx_close";
    for (const channel of [...this.channels(planOf(name).topic)]) {
      channel.end(isLimit ? "Too many messages per second" : undefined, event);
    }
  }

  /** The relay lost events of a topic, and says so when it is over. */
  relayGap(name: ChannelName, ms: number): void {
    if (this.world.setup.relay === "direct") return;
    const { time } = this.world;
    const { topic } = planOf(name);
    const begin = time.now;
    const from = begin + this.world.setup.relaySkewMs;
    this.lossy.add(topic);
    time.later(ms, () => {
      this.lossy.delete(topic);
      const isOther = this.world.dials.some((at) => at > begin) || !this.joinOf(topic);
      const end = time.now;
      const untold = () => ms > IN_FLIGHT_MS && this.#untold(topic, begin, end);
      if (isOther) untold();
      const to = end + this.world.setup.relaySkewMs;
      const payload = { extension: "relay", status: "gap", channel: topic, from, to };
      for (const channel of this.channels(topic)) {
        const frame = { topic: channel.topic, event: "system", payload };
        const { line } = channel;
        if (!line.hasNotices) continue;
        line.down(frame);
        // The word itself may go with its socket.
        time.later(line.latency, () => line.isUp || untold());
      }
    });
  }

  /** Whose socket ends meanwhile hears of no gap; its own covers no more than what was in flight. */
  #untold(topic: string, since: number, end: number): void {
    for (const emission of this.world.ledger.record(topic).emissions.values()) {
      const { kind, isStored, at } = emission;
      const isRead = kind === "update" ? this.world.setup.updates : !LEAVES_NOTHING.has(kind);
      if (at < since || at > end) continue;
      if (isStored && isRead) emission.isUntold = true;
      else emission.isGone = true;
    }
  }

  *channels(topic?: string): Generator<Channel> {
    for (const line of this.lines) {
      if (topic !== undefined) {
        const join = line.joins.get(`realtime:${topic}`);
        if (join) yield join;
      } else yield* line.joins.values();
    }
  }

  /** What the application has joined on a socket that is open at both ends. */
  joinOf(topic: string): Channel | undefined {
    return [...this.channels(topic)].find(({ line }) => line.isUp);
  }

  // --- events

  change(type: "INSERT" | "UPDATE" | "DELETE", row: Row, how: How): void {
    const { time, setup } = this.world;
    const frozen = { ...row };
    // Where changes are read they come row by row.
    const writer = setup.updates && type === "UPDATE" && { writer: ROW + row.n };
    for (const plan of PLANS) {
      const wanted = (plan.bindings ?? []).some((binding) => matches(binding, type, row));
      const kind = type.toLowerCase() as Emission["kind"];
      const emission = wanted &&
        this.#emit(plan.topic, kind, eventIdOf(type, row), { ...how, ...writer, row: frozen });
      if (!emission) continue;
      const stamp = new Date(Math.floor(time.now + setup.databaseSkewMs)).toISOString();
      time.later(setup.pollMs, () => this.#sendChange(plan.topic, type, frozen, emission, stamp));
    }
    if (type === "INSERT" && row.table === "orders" && row.slug === "a") {
      this.#sendMirror(frozen, how);
    }
  }

  #sendChange(topic: string, type: string, row: Row, emission: Emission, stamp: string): void {
    if (this.lossy.has(topic)) return;
    for (const join of this.channels(topic)) {
      const ids = join.bindings.filter((binding) => matches(binding, type, row)).map(({ id }) =>
        id
      );
      if (!join.isSubscribed || ids.length === 0) continue;
      const cells = {
        ...{ id: digits(row.id), n: row.n, slug: row.slug, rev: row.rev },
        placed_at: timeText(row.time, this.world.setup.zone),
        changed_at: timeText(row.changed, this.world.setup.zone),
        ...(type === "INSERT" && { reader: join.reader }),
      };
      const record = type === "DELETE" ? { old_record: cells } : { record: cells };
      const about = { table: row.table, type, schema: "public", commit_timestamp: stamp };
      const data = { ...about, ...record, columns: COLUMNS, errors: null };
      join.line.send(
        { topic: join.topic, event: "postgres_changes", payload: { ids, data } },
        emission,
      );
    }
  }

  #sendMirror(row: Row, how: How): void {
    const emission = this.#emit(MIRROR, "mirror", `m${row.n}`, how);
    if (!emission) return;
    this.world.time.later(5, () => {
      if (this.lossy.has(MIRROR)) return;
      for (const join of this.channels(MIRROR)) {
        const body = {
          ...{ id: digits(row.id), n: row.n, slug: row.slug },
          ...{ placed_at: timeText(row.time, this.world.setup.zone), reader: join.reader },
        };
        const payload = {
          event: "order",
          meta: { id: `mirror-${row.n}` },
          payload: body,
          type: "broadcast",
        };
        join.line.send({ topic: join.topic, event: "broadcast", payload }, emission);
      }
    });
  }

  stored(message: Message, startedAgoMs: number): void {
    const { topic, n, transaction, row } = message;
    // Who does not read messages does not look at what they say either.
    const isRow = row !== undefined && this.world.setup.history;
    const writer = isRow ? ROW + row : undefined;
    const emission = this.#emit(topic, "stored", `b${n}`, { transaction, startedAgoMs, writer });
    if (!emission) return;
    this.world.time.later(5, () => {
      if (this.lossy.has(topic)) return;
      for (const join of this.channels(topic)) this.#sendStored(join, message, emission, false);
    });
  }

  #sendStored(
    join: Channel,
    message: Message,
    emission: Emission | undefined,
    replayed: boolean,
  ): void {
    const meta = { id: idOf(message.n) };
    const body = bodyOf(message, join.reader);
    const payload = {
      ...{ event: "mail", payload: body, type: "broadcast" },
      meta: replayed ? { ...meta, replayed } : meta,
    };
    const join_ref = replayed ? join.ref : null;
    join.line.send({ join_ref, topic: join.topic, event: "broadcast", payload }, emission);
  }

  /** The newest of them, oldest first; those of one transaction in reverse. */
  replay(join: Channel, { since, limit = 25 }: { since: number; limit?: number }): void {
    const { database, time, setup, ledger } = this.world;
    const topic = join.topic.replace(/^realtime:/, "");
    const found = database.messages.filter((each) => each.topic === topic && each.at >= since)
      .sort((a, b) => a.at - b.at || a.transaction - b.transaction || b.n - a.n).slice(
        -Math.min(limit, 25),
      );
    const send = () => {
      for (const message of found) {
        const emission = ledger.record(topic).emissions.get(`b${message.n}`);
        // What comes too late for its socket is lost with it.
        if (!join.isHere && emission && setup.replayMs > 0) emission.isGone = true;
        if (!join.isHere) continue;
        if (emission && setup.replayMs > 0) emission.isLate = true;
        this.#sendStored(join, message, emission, true);
      }
    };
    time.later(setup.replayMs, send);
    if (setup.replaysTwice) time.later(setup.replayMs + 300, send);
  }

  peer(channel: ChannelName, event: string, body: Payload, id: string, transaction: number): void {
    const { topic } = planOf(channel);
    const emission = this.#emit(topic, "peer", id, { transaction, writer: "peer" });
    if (!emission || this.lossy.has(topic)) return;
    for (const join of this.channels(topic)) {
      const payload = { event, payload: body, type: "broadcast" };
      join.line.send({ topic: join.topic, event: "broadcast", payload }, emission);
    }
  }

  #emit(topic: string, kind: Emission["kind"], id: string, how: How): Emission | undefined {
    if (how.isOld) {
      this.world.ancient.set(id, how.startedAgoMs ?? 0);
      return;
    }
    // Writers whose transactions overlap are not each other's elders.
    const writer = how.writer ?? (how.startedAgoMs ? `slow${how.transaction}` : "quick");
    const place = (this.#places.get(topic + kind) ?? 0) + 1;
    this.#places.set(topic + kind, place);
    const { transaction, row } = how;
    const emission: Emission = {
      isStored: topic !== CHANNELS.notes.topic && (how.startedAgoMs ?? 0) <= OVERLAP_MS,
      topic,
      id,
      kind,
      at: this.world.time.now,
      startedAt: this.world.time.now - (how.startedAgoMs ?? 0),
      writer,
      place,
      transaction,
      row,
    };
    this.world.ledger.emit(emission);
    return emission;
  }
}

/** A transaction that was open for longer may be missed by a catch-up; half of what is promised. */
const OVERLAP_MS = 15_000;

/** What no catch-up finds. */
const LEAVES_NOTHING = new Set<Emission["kind"]>(["peer", "delete"]);

interface How {
  transaction: number;
  writer?: string;
  row?: Row;
  startedAgoMs?: number;
  /** From before this world began. */
  isOld?: boolean;
}

const PLANS: ChannelPlan[] = Object.values(CHANNELS);

const eventIdOf = (type: string, { n, rev }: Row): string =>
  type === "INSERT" ? `i${n}` : type === "UPDATE" ? `u${n}.${rev}` : `d${n}`;

function matches(
  { event, table, filter }: { event: string; table: string; filter?: string },
  type: string,
  row: Row,
): boolean {
  return table === row.table && (event === "*" || event === type) &&
    (!filter || filter === `slug=eq.${row.slug}`);
}
