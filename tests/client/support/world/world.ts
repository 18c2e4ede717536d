import { randomFrom } from "../exactly_once/random.ts";
import { Application, restFor } from "./here/application.ts";
import { Database } from "./there/database.ts";
import type { InvariantName } from "./judge/invariants.ts";
import { Ledger } from "./judge/ledger.ts";
import { Realtime } from "./there/realtime.ts";
import { type Setup, USUAL } from "./script/script.ts";
import { Session } from "./here/session.ts";
import { WorldSocket } from "./there/socket.ts";
import { Time } from "./here/time.ts";
import { Weather } from "./there/weather.ts";

/** The module that is on trial. */
export type Client = typeof import("../../../../client/mod.ts");

/** One moment may bring a hundred frames, and each a few looks at the clock. */
const MOST_TURNS = 20_000;

/** All there is around a client: everything that it is given is this world's. */
export class World {
  readonly setup: Setup;
  readonly time = new Time();
  readonly weather = new Weather(this.time);
  readonly chance: () => number;
  readonly ledger: Ledger;
  readonly session = new Session(this);
  readonly sockets: WorldSocket[] = [];
  /** When a socket was asked for, be it in vain. */
  readonly dials: number[] = [];
  /** What is from before this world began, and how old it was then, in ms. */
  readonly ancient = new Map<string, number>();
  readonly realtime = new Realtime(this);
  readonly database: Database;
  readonly transport;
  readonly application: Application;
  readonly #wakes = new Set<(why: "online" | "visible") => void>();
  /** Two clients share the transport, or did. */
  hasTwin = false;
  /** A session was refused: of two, the status may be the other's. */
  wasEverRefused = false;
  /** Nothing happens but announced moves, each after the last is over. */
  isCalm = false;
  /** REST answers at all times, and all clocks are right. */
  isReadable = false;
  /** All clocks are right, token() answers, and nobody is kept waiting. */
  isTimely = false;
  /** Nor is a join kept waiting or refused. */
  isPrompt = false;
  /** Nothing happens that ends a channel, or its user. */
  isSteady = false;
  /** Nobody was let in when the last events were sent, or just before. */
  wasRefused = false;
  /** What onstatus told last. */
  told?: string;
  /** When the network or the page came back last, and since when nothing is wrong. */
  wokenAt = -Infinity;
  wellSince = 0;
  /** When the last worker that was to end has done so. */
  drainedAt = 0;
  /** When the status was `live` last. */
  liveAt = -Infinity;
  /** When it was not. */
  readonly absences: { from: number; to: number }[] = [];
  /** When the status last said that nothing comes, and since when. */
  downUntil = -Infinity;
  downSince = 0;
  /** Since when a socket is wanted and nothing is dialled. */
  idleSince?: number;
  nextWaitLook = 0;
  /** The last events of all, by topic. */
  readonly probes = new Map<string, string[]>();
  /** What comes behind this cannot be judged any more. */
  lastSurelyAt = Infinity;

  constructor(client: Client, setup: Partial<Setup>, ignored: ReadonlySet<InvariantName>) {
    this.setup = { ...USUAL, ...setup };
    this.ledger = new Ledger(ignored, this.time);
    this.time.setClock(this.setup.clientSkewMs);
    this.chance = randomFrom(this.setup.seed);
    this.time.onThrow = (error) => {
      const { name, message, stack } = error as Error;
      const where = stack?.split("\n").slice(1, 3).map((line) => line.trim().split("/").at(-1));
      this.ledger.breaks("throws", `${name}: ${message} (${where})`);
    };
    this.database = new Database(this);
    this.session.signIn(this.setup.user);
    this.transport = this.#transport(client);
    this.application = new Application(this);
  }

  #transport(client: Client) {
    // deno-lint-ignore no-this-alias
    const world = this;
    const { setup, time, weather } = this;
    const chance = randomFrom(setup.seed + 1);
    const transport = client.relayTransport({
      relay: setup.relay === "direct"
        ? "https://abc.supabase.co/realtime/v1"
        : "https://abc.supabase.co/functions/v1/relay",
      token: () => this.session.token(),
      onstatus: ({ state, reason }) => {
        this.told = state;
        this.wasEverRefused ||= state === "refused";
        this.ledger.note(`status ${state} ${reason ?? ""}`);
      },
      host: {
        WebSocket: class {
          constructor(url: string | URL, protocols: string[] = []) {
            return new WorldSocket(world, url, protocols);
          }
        } as unknown as typeof WebSocket,
        now: () => {
          this.#turns();
          return time.look();
        },
        random: chance,
        setTimeout: (then, ms) => {
          this.#turns();
          return time.later(ms, then, "timer");
        },
        clearTimeout: (timer) => time.cancel(timer as number),
        isAway: () => false,
        isOffline: () => weather.now("offline") !== undefined,
        onWake: (wake) => {
          this.#wakes.add(wake);
          return () => this.#wakes.delete(wake);
        },
      },
    });
    const how = {
      ...{ key: "id", time: "placed_at", event: "order" },
      ...(setup.updates && { updated: "changed_at" }),
    };
    transport.catchUp(client.tableCatchUp(restFor(this), "orders", {
      ...how,
      topic: "orders:{slug}",
      payload: ["id", "n", "slug", "placed_at", "reader"],
    }));
    if (setup.history) transport.catchUp(client.messageCatchUp(restFor(this)));
    return transport;
  }

  wake(why: "online" | "visible"): void {
    for (const wake of this.#wakes) wake(why);
  }

  /** A client that looks at the clock again and again while no time passes never comes to rest. */
  #turns(): void {
    const { time, ledger } = this;
    if (this.#turnsAt !== time.now) [this.#turnsAt, this.#count] = [time.now, 0];
    if (++this.#count < MOST_TURNS) return;
    ledger.breaks("rests", `the client looked at the clock ${MOST_TURNS} times in one moment`);
    throw new Error("The client does not come to rest.");
  }
  #turnsAt = 0;
  #count = 0;
}
