import { type RealtimeChannel, RealtimeClient, SupabaseClient } from "@supabase/supabase-js";
import type { Frame, Payload } from "../there/frames.ts";
import { decode } from "../there/frames.ts";
import type { Line } from "../there/line.ts";
import { type ChannelName, planOf } from "../script/script.ts";
import type { Stay } from "../judge/ledger.ts";
import { isStarved, SWITCH_BEHIND_MS } from "../judge/invariants.ts";
import { answer } from "../there/rest.ts";
import { KEY } from "./session.ts";
import { Twin } from "./twin.ts";
import type { WorldSocket } from "../there/socket.ts";
import type { World } from "../world.ts";

/** Something that the application sends. */
export interface Sent {
  id: string;
  channel: ChannelName;
  /** Who is signed in as far as the client was told. */
  by: string | null;
  at: number;
  leftAt?: number;
  leftOn?: WorldSocket;
  arrivals: number;
  answer?: string;
}

let current: World | undefined;

/** One REST client serves all worlds: to make one takes longer than to play one. */
const rest = new SupabaseClient("https://abc.supabase.co", KEY, {
  accessToken: () => Promise.resolve(current?.session.current() ?? KEY),
  global: { fetch: (input, init) => answer(current!, input, init) },
});

export const restFor = (world: World): SupabaseClient => {
  current = world;
  return rest;
};

/** What is older than the application by more than this is not news. */
const OLD_MS = 1_800_000;

/** What Realtime refuses for the moment is tried again for so long, and where it is new, in ms. */
const LATER_MS = 55_000;
const NEW_LATER_MS = 5_000;

/** A refusal is known on this side after so long, in ms. */
const KNOWN_MS = 4_000;

/** realtime-js waits so long for the answer to a join, in ms. */
const TIMED_OUT_MS = 10_000;

const quiet = () => {};

/** An application on realtime-js, which is the real one. */
export class Application {
  readonly realtime: RealtimeClient;
  readonly twin: Twin;
  readonly channels = new Map<ChannelName, RealtimeChannel>();
  readonly wanted = new Set<ChannelName>();
  readonly sent = new Map<string, Sent>();
  /** What each channel was last told, SUBSCRIBED and the like. */
  readonly told = new Map<ChannelName, { status: string; at: number; message?: string }>();
  /** The last `track` that was answered ok. */
  track?: Payload;
  /** Somebody else was signed in since or just before, or seemed to be. */
  isTrackDoubtful = false;
  #count = 0;

  constructor(readonly world: World) {
    const { setup, session, transport } = world;
    const sends = (data: string | ArrayBuffer) => this.#sends(decode(setup.vsn, data));
    // What the application sends is looked at on its way into the transport.
    class Watched extends transport {
      override send(data: string | ArrayBuffer): void {
        sends(data);
        super.send(data);
      }
    }
    const make = () =>
      new RealtimeClient("wss://abc.supabase.co/realtime/v1", {
        params: { apikey: KEY },
        transport: Watched as unknown as typeof WebSocket,
        vsn: setup.vsn,
        logger: quiet,
        ...(setup.sdk === "current" && {
          accessToken: () => Promise.resolve(session.current() ?? KEY),
        }),
      });
    this.realtime = make();
    this.twin = new Twin(world, make);
    this.signed();
  }

  /** Somebody is signed in, or nobody any more: as supabase-js tells realtime-js. */
  signed(): void {
    const { session, setup, ledger } = this.world;
    const token = session.current();
    if (setup.sdk === "current") return void this.realtime.setAuth().catch(quiet);
    if (token) return void this.realtime.setAuth(token).catch(quiet);
    for (const [name, channel] of this.channels) {
      if (ledger.record(planOf(name).topic).stay) {
        this.#push(channel, "access_token", { access_token: null });
      }
    }
  }

  #push(
    { topic, joinPush: { ref: join_ref } }: RealtimeChannel,
    event: string,
    payload: Payload,
  ): void {
    const ref = `old${++this.#count}`;
    this.realtime.push({ topic, event, payload, ref, join_ref } as never);
  }

  #sends(frame: Frame): void {
    const { session, ledger, time } = this.world;
    if (frame.event === "access_token") session.pushed(frame.payload.access_token);
    if (frame.event === "phx_join") {
      session.joined(frame.payload.access_token);
      ledger.record(frame.topic.replace(/^realtime:/, "")).asked = { at: time.now, ref: frame.ref };
    }
  }

  // --- channels

  join(name: ChannelName): void {
    this.wanted.add(name);
    if (this.channels.has(name)) return;
    const plan = planOf(name);
    const config = {
      private: plan.private,
      broadcast: {
        ...{ ack: plan.ack, self: false },
        ...(plan.replicationReady && { replication_ready: true }),
      },
    };
    const channel = this.realtime.channel(plan.topic, { config });
    this.channels.set(name, channel);
    for (const binding of plan.bindings ?? []) {
      channel.on(
        "postgres_changes",
        binding as never,
        (event: Change) => this.#changed(name, event),
      );
    }
    if (plan.broadcast) {
      channel.on("broadcast", { event: "*" }, (event: Payload) => this.#broadcast(name, event));
    }
    if (plan.presence) channel.on("presence", { event: "sync" }, quiet);
    channel.on("system" as never, {} as never, (message: Payload) => this.#system(name, message));
    channel.subscribe((status, error) => this.#status(name, channel, status, error));
  }

  leave(name: ChannelName): void {
    const channel = this.channels.get(name);
    this.wanted.delete(name);
    if (!channel) return;
    this.#ends(name, "left");
    this.channels.delete(name);
    if (name === "lobby") this.track = undefined;
    this.realtime.removeChannel(channel).catch(quiet);
  }

  #status(name: ChannelName, channel: RealtimeChannel, status: string, error?: Error): void {
    const { time, ledger } = this.world;
    if (this.channels.get(name) !== channel) return;
    ledger.note(`told ${name} ${status} ${error?.message ?? ""}`);
    this.told.set(name, { status, at: time.now, message: error?.message });
    if (status === "SUBSCRIBED") {
      const record = ledger.record(planOf(name).topic);
      if (!record.stay) record.stays.push({ from: time.now, to: Infinity, skew: time.skew });
      this.#wet(name);
      return;
    }
    this.#judge(name, status, error?.message ?? "");
    this.#ends(name, status === "CLOSED" ? "closed" : "told");
    if (name === "lobby") this.track = undefined;
    if (status !== "CLOSED") return;
    // realtime-js drops what is closed: who still wants it makes it anew.
    this.channels.delete(name);
    time.later(1_000, () => this.wanted.has(name) && this.join(name), "timer");
  }

  /** Nobody is told of what passes by itself; of what does not with the reason. */
  #judge(name: ChannelName, status: string, message: string): void {
    const { time, ledger, drainedAt } = this.world;
    const { stay, refused, asked, underWay, triedAt } = ledger.record(planOf(name).topic);
    if (stay && this.world.isSteady) {
      ledger.breaks("stays", `${name} was told ${status} (${message}), and nothing had ended it`);
    }
    const isLater = /IncreaseConnectionPool|Too many joins/.test(message);
    const isEarly = !refused ? false : stay
      ? time.now - refused.since < LATER_MS
      // The next answer may take as long as this one did.
      : refused.isQuick && 2 * time.now - triedAt - asked.at < NEW_LATER_MS;
    if (/draining:|restart:/.test(message) || (isLater && isEarly && !isStarved(this.world))) {
      ledger.breaks("patience", `${name} was told ${message}, which passes`);
    }
    const isKnown = refused && refused.ref === asked.ref && time.now - refused.at > KNOWN_MS &&
      refused.line.isUp && !(refused.isQuick && underWay === asked.ref);
    // Over a move it may have come to a socket that no longer carries, and in a page that stood still
    // behind realtime-js's timer.
    const isHeard = drainedAt < asked.at && time.frozenUntil < asked.at &&
      // It waits from its subscribe() on, and the transport knows of it when the socket is open.
      time.now - asked.at > TIMED_OUT_MS - 500;
    if (status === "TIMED_OUT" && !stay && isKnown && isHeard) {
      ledger.breaks("reasons", `${name} was told ${status}, and Realtime had refused it`);
    }
  }

  #ends(name: ChannelName, end: Stay["end"]): void {
    const { ledger, time: { now: to }, liveAt } = this.world;
    const { stay, stays } = ledger.record(planOf(name).topic);
    const last = stays.at(-1);
    if (stay) Object.assign(stay, { to, end, liveAt });
    // Who goes after an error does not come back for what was missed.
    else if (end === "left" && last?.end === "told") last.end = "closed";
  }

  #wet(name: ChannelName): void {
    const dry = this.world.ledger.record(planOf(name).topic).dry.at(-1);
    if (dry?.to === Infinity) dry.to = this.world.time.now;
  }

  // --- what comes

  #system(name: ChannelName, message: Payload): void {
    const { time, ledger } = this.world;
    const record = ledger.record(planOf(name).topic);
    ledger.note(`system ${name} ${JSON.stringify(message)}`);
    if (message.extension === "relay" && message.status === "gap") {
      record.tell(message, time);
    } else if (message.extension === "postgres_changes") {
      if (message.status === "ok") this.#wet(name);
      else if (record.dry.at(-1)?.to !== Infinity) {
        record.dry.push({ from: time.now, to: Infinity });
      }
    }
  }

  #changed(name: ChannelName, { eventType, new: now, old }: Change): void {
    const row = eventType === "DELETE" ? old : now;
    const id = eventType === "INSERT"
      ? `i${row.n}`
      : eventType === "UPDATE"
      ? `u${row.n}.${row.rev}`
      : `d${row.n}`;
    if (eventType !== "DELETE") this.#hears(name, id, row);
    this.#had(name, id, row.reader);
  }

  /** Where changes are read a state of a row comes once, and none behind a newer one. */
  #hears(name: ChannelName, id: string, row: Payload): void {
    const { ledger, time, setup } = this.world;
    const { topic, bindings } = planOf(name);
    if (!setup.updates || bindings![0].table !== "orders") return;
    const record = ledger.record(topic);
    const [n, rev] = [Number(row.n), Number(row.rev)];
    const before = record.heard.get(n);
    if (before && record.stay && record.stay.from <= before.at) {
      const state = `${id} of ${topic} tells the row's state ${rev}`;
      const isSince = id.startsWith("u") || (record.emissions.get(id)?.at ?? 0) >= record.stay.from;
      if (rev === before.rev && isSince) ledger.breaks("once", `${state} again`);
      if (rev < before.rev) ledger.breaks("order", `${state} behind ${before.rev}`);
    }
    // A live INSERT tells the first state, and a live UPDATE no reader.
    const isRead = id.startsWith("u") ? row.reader !== undefined : rev > 0;
    const read = Math.max(isRead ? rev : 0, before?.read ?? 0);
    record.heard.set(n, { rev: Math.max(rev, before?.rev ?? 0), at: time.now, read });
  }

  #broadcast(name: ChannelName, event: Payload): void {
    const body = (event.payload ?? {}) as Payload;
    const id = event.event === "order"
      ? `m${body.n}`
      : event.event === "mail"
      ? `b${body.n}`
      : `p${body.n}`;
    this.#had(name, id, body.reader);
  }

  #had(name: ChannelName, id: string, reader: unknown): void {
    const { ledger, time, session, ancient, setup, isCalm } = this.world;
    const { topic } = planOf(name);
    const record = ledger.record(topic);
    const emission = record.emissions.get(id);
    ledger.note(`had ${topic} ${id}`);
    // What REST reads it reads as whom the application says, whatever token() told the client.
    // A twin is told of a sign-out when it comes; the application had asked before.
    const isTheirs = reader === session.known || reader === session.user || this.world.hasTwin;
    if (typeof reader === "string" && !isTheirs) {
      ledger.breaks(
        "users",
        `${id} of ${topic} was read as ${reader} and delivered to ${session.known}`,
      );
    }
    const age = ancient.get(id);
    if (age !== undefined) {
      // Who cannot know the server's clock reads from earlier, and may bring what is a little older.
      const apart = record.stays.map(({ skew }) => Math.abs(setup.databaseSkewMs - skew));
      if (age < OLD_MS + Math.max(...apart)) return;
      return ledger.breaks("old", `${id} of ${topic} is an hour older than the application`);
    }
    if (!emission) return ledger.breaks("invented", `${id} of ${topic} was never sent`);
    if (emission.deliveredAt !== undefined) {
      // Two of an UPDATE or DELETE may come after a loss; what looks otherwise to whoever has signed in
      // meanwhile is another.
      const mayRepeat = emission.deliveredAs !== reader ||
        !isCalm && (emission.kind === "update" || emission.kind === "delete");
      const isOneStay = record.stay && record.stay.from <= emission.deliveredAt;
      if (!mayRepeat && isOneStay) ledger.breaks("once", `${id} of ${topic} came twice`);
      return;
    }
    emission.deliveredAt = time.now;
    emission.deliveredAs = reader;
    record.delivered.push(emission);
  }

  // --- what goes

  send(name: ChannelName): void {
    const channel = this.channels.get(name);
    const { ledger, time, session } = this.world;
    if (!channel || !ledger.record(planOf(name).topic).stay || !this.realtime.isConnected()) return;
    const id = `s${++this.#count}`;
    const sent: Sent = { id, channel: name, by: session.known, at: time.now, arrivals: 0 };
    this.sent.set(id, sent);
    channel.send({ type: "broadcast", event: "say", payload: { s: id, by: session.known } })
      .then((answer) => sent.answer = answer, () => sent.answer = "thrown");
  }

  /** Of the transport's frames, those that the application's own words are in. */
  left(frame: Frame, socket: WorldSocket): void {
    const { time, ledger } = this.world;
    const body = (frame.payload.payload ?? {}) as Payload;
    const { by } = body;
    if (typeof by === "string" && socket.line.user !== null && socket.line.user !== by) {
      ledger.breaks("users", `what ${by} sent left on a socket of ${socket.line.user}`);
    }
    const sent = this.sent.get(String(body.s));
    if (sent) Object.assign(sent, { leftAt: sent.leftAt ?? time.now, leftOn: socket });
  }

  arrived({ payload }: Frame, _line: Line): void {
    const sent = this.sent.get(String((payload.payload as Payload)?.s));
    if (!sent) return;
    sent.arrivals++;
    if (sent.arrivals > 1) {
      this.world.ledger.breaks("once", `${sent.id} of the application went out twice`);
    }
  }

  doTrack(here: boolean): void {
    const channel = this.channels.get("lobby");
    if (!channel || !this.world.ledger.record("lobby").stay) return;
    const payload = { mood: ++this.#count, by: this.world.session.knownBefore };
    this.track = here ? payload : undefined;
    const { ledger, time, liveAt } = this.world;
    this.isTrackDoubtful = ledger.switches.some((when) =>
      time.now - when < SWITCH_BEHIND_MS || when >= liveAt
    );
    (here ? channel.track(payload) : channel.untrack()).catch(quiet);
  }

  disconnect(): void {
    for (const name of this.wanted) this.#ends(name, "left");
    // What has not left goes with the socket that it was given to.
    for (const [id, { leftAt }] of this.sent) if (leftAt === undefined) this.sent.delete(id);
    this.track = undefined;
    this.realtime.disconnect().catch(quiet);
    this.world.time.later(3_000, () => this.realtime.connect(), "timer");
  }
}

interface Change {
  eventType: string;
  new: Payload;
  old: Payload;
}
