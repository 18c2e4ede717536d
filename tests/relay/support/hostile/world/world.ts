import { readConfig } from "../../../../../supabase/functions/relay/config/config.ts";
import { createRelay, type Handler } from "../../../../../supabase/functions/relay/relay.ts";
import type { LogLine, Runtime, Socket } from "../../../../../supabase/functions/relay/runtime.ts";
import { PUBLISHABLE_KEY } from "../../../../support/tokens.ts";
import { type Invariant, Violation } from "../invariants.ts";
import { type Head, type Message, numberOf } from "../network/frames.ts";
import { type Company, Party, type PartyOptions } from "../network/party.ts";
import { Client, type Joining } from "../oracle/client.ts";
import { Judge } from "../oracle/judge.ts";
import type { Court } from "../oracle/court.ts";
import { isCrowded } from "../oracle/sharing.ts";
import type { Sight } from "../oracle/sights.ts";
import type { Push } from "../realtime/push.ts";
import type { Line, Watcher } from "../realtime/line.ts";
import { Realtime } from "../realtime/realtime.ts";
import { ALL_ROLES, TOPICS } from "../script/command.ts";
import { claimsOf } from "./people.ts";
import { environmentOf, POLICIES, type Settings } from "./settings.ts";
import { keepAnswers } from "./signatures.ts";
import { EPOCH, Time } from "./time.ts";

const RELAY = "http://relay.test/relay";
const UPGRADE = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "a",
  "sec-websocket-version": "13",
};

/** RELAY_DRAIN_MS, which no world changes. */
const DRAIN_MS = 8_000;

/** The whole relay in this process, between parties and a Realtime that a script moves. */
export class World implements Company, Watcher, Court, Disposable {
  readonly time: Time;
  readonly realtime: Realtime;
  readonly parties: Party[] = [];
  readonly pushes = new Map<number, Push>();
  readonly judge: Judge;
  /** What came to pass, and how often: a generator that never sees a thing is blind to it. */
  readonly seen: Partial<Record<Sight, number>> = {};
  /** The first sentence that was broken. */
  violation: Violation | undefined;
  unsent = 0;
  /** Promises that the worker is kept alive for, and how many of them have settled. */
  kept = 0;
  settled = 0;
  /** Why sockets were refused, the latest last. */
  readonly refusals: string[] = [];
  /** When the worker was told to end. */
  drainedAt = Infinity;
  /** By when the last socket is to be told to go, since the worker ends. */
  endsAt = Infinity;
  #shutdown: ((reason: string) => Promise<void>) | undefined;
  readonly #answers: Disposable;
  readonly #handler: Handler;
  readonly #byRequest = new WeakMap<Request, Party>();
  readonly #ids = new Map<string, Party>();
  /** Whose request the relay begins to answer. */
  #asking: Party | undefined;
  #numbers = 0;

  /** `ignored` sentences are not looked at. */
  constructor(readonly settings: Settings, readonly ignored: ReadonlySet<Invariant> = new Set()) {
    this.time = new Time(settings.seed, (error) => this.crashed(error));
    this.#answers = keepAnswers(this.time, settings.verifyMs);
    crypto.randomUUID = () => this.#nextId();
    this.realtime = new Realtime(this, settings);
    this.judge = new Judge(this);
    if (settings.open) this.#openAll();
    addEventListener("unhandledrejection", this.#onRejection);
    this.#handler = createRelay(readConfig(environmentOf(settings)), this.#runtime());
  }

  get policies() {
    return POLICIES[this.settings.policy];
  }

  saw(what: Sight): void {
    this.seen[what] = (this.seen[what] ?? 0) + 1;
  }

  nextNumber(): number {
    return ++this.#numbers;
  }

  /** Runs a look at the world, and keeps the first sentence that it finds broken. */
  look(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (!this.ignored.has(error.invariant)) this.violation ??= error;
    }
  }

  broken(invariant: Invariant, seen: string): void {
    this.look(() => {
      throw new Violation(invariant, seen);
    });
  }

  crashed(error: unknown): void {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.broken("lives", text.split("\n").slice(0, 4).join(" "));
  }

  /** Opens a socket; the relay may answer later, where it dials first. */
  async open(options: Omit<PartyOptions, "index">): Promise<Party> {
    const index = this.parties.length;
    const party = new Party(this, { ...options, index });
    const { share, anonymous } = this.settings;
    const isKey = options.credential === PUBLISHABLE_KEY;
    const token = claimsOf.has(options.credential) ? options.credential : undefined;
    party.client = new Client({
      index,
      realtime: this.realtime,
      policies: this.policies,
      token,
      isShared: share && isKey && anonymous === "allow",
      waits: isKey && anonymous === "join",
      verifyMs: this.settings.verifyMs,
      leftAt: (topic) => this.judge.upstream.leftAt(topic),
      lastLeftAt: () => this.judge.upstream.lastLeftAt,
      saw: (what) => this.saw(what),
    });
    this.parties.push(party);
    const headers: Record<string, string> = {
      ...UPGRADE,
      "x-forwarded-for": `192.0.2.${options.from}`,
    };
    if (options.offersNotices) {
      // Every second one takes several frames in a message.
      const newest = index % 2 === 0 ? "realtime-relay.v2, " : "";
      headers["sec-websocket-protocol"] = `${newest}realtime-relay.v1, phoenix`;
    }
    const query = new URLSearchParams({ vsn: options.vsn, apikey: options.credential });
    const request = new Request(`${RELAY}/websocket?${query}`, { headers });
    this.#byRequest.set(request, party);
    this.time.arrive(() => {
      this.#asking = party;
      this.#answer(request).then(({ status }) => party.answered(status));
    });
    await this.time.settle();
    this.look(() => this.judge.came());
    return party;
  }

  /** The worker stands still, as for a long collection of garbage, or on a host that is frozen. */
  stand(ms: number, readsFirst: boolean): void {
    if (this.time.untilThaw > 0) return;
    for (const { client } of this.parties) client.stands(this.time.now + ms);
    this.time.stand(ms, readsFirst);
    this.saw("stood still");
  }

  /** The platform ends the worker. */
  drain(reason: string): void {
    this.time.arrive(() => this.#drain(reason));
  }

  #drain(reason: string): void {
    const uptime = this.time.now - EPOCH;
    const ms = reason === "cpu" ? 0 : reason === "drain" ? Math.max(DRAIN_MS, uptime) : DRAIN_MS;
    this.endsAt = Math.min(this.endsAt, this.time.now + ms);
    this.drainedAt = Math.min(this.drainedAt, this.time.now);
    this.#keep(this.#shutdown!(reason));
  }

  /** Asks the relay by plain HTTP; undefined where it has not answered in a while. */
  async ask(path: string, init: RequestInit = {}): Promise<Response | undefined> {
    await this.time.pass(this.time.untilThaw);
    let response: Response | undefined;
    this.#answer(new Request(`${RELAY}${path}`, init)).then((it) => response = it);
    await this.time.settle(6);
    for (let waited = 0; !response && waited < 20; waited++) await this.time.pass(1_000);
    return response;
  }

  async health(): Promise<Record<string, Record<string, number>>> {
    const response = await this.#answer(new Request(`${RELAY}/health`));
    return await response.json();
  }

  partySays({ client, options }: Party, head: Head, payload: unknown): void {
    const { access_token } = payload as { access_token?: string };
    if (head.event === "phx_join") {
      client.wasCrowded ||= isCrowded(this, options.vsn);
      const wasUser = client.who.isUser;
      client.joined(head, payload as Joining);
      if (client.who.waits && client.who.isUser && !wasUser) this.saw("named");
    } else if (head.event === "phx_leave") client.leaves(head);
    else if (head.event === "access_token" && client.signs(access_token!)) this.saw("signed in");
    else if (head.event === "presence") client.isAlone = true;
  }

  partyPushes(party: Party, push: Push): void {
    this.pushes.set(push.n, push);
    // Nothing that is refused is kept, and no bytes for a channel that is not joined.
    const isDropped = !party.isAdmitted || party.client.hasEnded ||
      push.isBinary && party.client.at(push.head.topic).every(({ isEnding }) => isEnding);
    party.client.pushes(push);
    if (isDropped) party.client.settle(push.n);
  }

  relayHeard(party: Party): void {
    this.look(() => this.judge.heard(party));
  }

  /** The relay closes a client's socket. */
  relayCloses(party: Party, code: number, reason: string): void {
    this.saw(code === 4413 ? "cut off" : "closed");
    this.look(() => this.judge.closes(party, code, reason));
  }

  /** The relay hands a client this. */
  relayTells(party: Party, message: Message): void {
    if (numberOf(message) !== undefined) this.saw("frame");
    this.look(() => this.judge.tells(party, message));
  }

  /** The relay hands Realtime this. */
  relaySends(line: Line, message: Message): void {
    this.look(() => this.judge.sends(line, message));
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#onRejection);
    this.#answers[Symbol.dispose]();
    Reflect.deleteProperty(crypto, "randomUUID");
    this.time[Symbol.dispose]();
  }

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.crashed(event.reason);
  };

  #openAll(): void {
    for (const topic of TOPICS) {
      for (const role of ALL_ROLES) {
        for (const right of ["read", "write"] as const) {
          this.realtime.rights.set(topic, role, right, true);
        }
      }
    }
  }

  #answer(request: Request): Promise<Response> {
    return this.#handler(request).catch((error) => {
      this.crashed(error);
      return new Response(null, { status: 500 });
    });
  }

  #runtime(): Runtime {
    return {
      strictProtocolList: false,
      timersPerRequest: false,
      upgrade: (request, protocol) => this.#upgrade(request, protocol),
      dial: (url) => {
        this.look(() => this.judge.upstream.dials(url));
        return this.realtime.dial(url).socket;
      },
      keepAlive: (promise) => this.#keep(promise),
      onShutdown: (listener) => this.#shutdown = listener,
      maxSockets: 1_000,
      now: () => this.time.now,
      log: (line) => this.#log(line),
      fetch: (input, init) => this.judge.http.fetch(input, init),
    };
  }

  #keep(promise: Promise<unknown>): void {
    this.kept++;
    promise.then(() => this.settled++, (error) => this.crashed(error));
  }

  #upgrade(request: Request, protocol: string | undefined): { socket: Socket; response: Response } {
    const party = this.#byRequest.get(request)!;
    party.protocol = protocol;
    party.isUpgraded = true;
    party.waits = party.client.who.waits && !party.refusal;
    if (party.waits) this.saw("waits");
    this.look(() => this.judge.upgraded());
    return { socket: party.end.socket, response: new Response() };
  }

  #log(line: LogLine): void {
    const party = this.#ids.get(String(line.id));
    this.look(() => this.judge.logs(line, party));
    if (line.event === "refuse") {
      this.refusals.push(String(line.code));
      if (party) party.refusal = { code: String(line.code), at: this.time.now };
      this.saw("refused");
    }
    if (line.event === "open") {
      party!.admittedAt = this.time.now;
      this.saw("let in");
    }
  }

  /** The relay names a socket by the first letters of an id that it makes when it is asked. */
  #nextId(): ReturnType<Crypto["randomUUID"]> {
    const id = String(this.#ids.size).padStart(8, "0");
    if (this.#asking) this.#ids.set(id, this.#asking);
    this.#asking = undefined;
    return `${id}-0000-4000-8000-000000000000`;
  }
}
