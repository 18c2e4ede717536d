import { addressOf, hostsOf } from "./door/address.ts";
import { type Authenticator, createAuthenticator } from "./door/authenticate.ts";
import type { Identity } from "./door/identity.ts";
import { authorizeCredential, authorizeOrigin } from "./door/authorize.ts";
import { MAX_BODIES_BYTES } from "./broadcast/bodies.ts";
import { type Broadcast, type BroadcastTarget, createBroadcast } from "./broadcast/broadcast.ts";
import { type Config, ConfigError, readConfig } from "./config/config.ts";
import { answeredProtocol, BATCHES, NOTICES, readCredential } from "./door/credential.ts";
import { Awake, LOOK_MS } from "./peer/awake.ts";
import { type Dialled, dialUpstream } from "./realtime/dial.ts";
import { createDrain, type Drain } from "./socket/drain.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { checkHandshake, isUpgrade } from "./door/handshake.ts";
import { Health } from "./say/health.ts";
import { json, preflight, refusal, withCors } from "./say/http.ts";
import { createHub, type Hub } from "./hub/hub.ts";
import { createLimits, type Limits } from "./door/limits.ts";
import { closeLine, openLine, refuseLine } from "./say/log.ts";
import { Measures } from "./measure/measures.ts";
import { type Place, Places } from "./peer/places.ts";
import { Turn } from "./peer/turn.ts";
import { createRefusals, type Refusals } from "./say/refuse.ts";
import { Reporter } from "./say/report.ts";
import { offeredProtocols } from "./door/places.ts";
import { routeOf } from "./door/route.ts";
import type { Message, Runtime, Socket } from "./runtime.ts";
import { openSession, type SessionOptions } from "./socket/session.ts";
import { createRevocation, isOf, type Revocation, signedOut } from "./revoke/revoke.ts";
import { type Exits, Reception } from "./waiting/reception.ts";
import { Kept, Unsent } from "./peer/unsent.ts";
import { upstreamUrl, type Vsn, vsnOf, type Wire, wireOf } from "./realtime/upstream.ts";

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** A client that may be let in, with its socket to Realtime. */
type Admitted =
  & Pick<SessionOptions, "vsn" | "identity" | "upstream" | "place">
  & Pick<SessionOptions, "negotiated" | "turn">;

/** What is known of a client before it is. */
interface Caller {
  id: string;
  address: string | undefined;
  wire: Wire;
  negotiated: boolean;
  /** Where it takes several frames in a message. */
  turn: Turn | undefined;
}

/** How often the sockets are looked after: a fifth of the time between two heartbeats. */
const TICK_MS = 5_000;

/** The relay as one function. */
export function createRelay(config: Config, runtime: Runtime): Handler {
  const relay = new Relay(config, runtime);
  return (request) => relay.handle(request);
}

/**
 * request -> credential -> authenticate -> authorize -> dial upstream -> upgrade -> tunnel. This is the
 * only place that knows the order.
 */
class Relay implements Exits<Caller, Admitted> {
  readonly #awake: Awake;
  readonly #places = new Places();
  readonly #turn = new Turn();
  readonly #measures = new Measures();
  readonly #health: Health;
  readonly #limits: Limits;
  readonly #hub: Hub;
  readonly #revocation: Revocation;
  readonly #authenticator: Authenticator;
  readonly #refusals: Refusals;
  readonly #broadcast: Broadcast;
  readonly #drain: Drain;
  readonly #reporter: Reporter;
  readonly #reception: Reception<Caller, Admitted>;
  /** What all sessions are given. */
  readonly #shared: Omit<SessionOptions, keyof Admitted | "client" | "early" | "namedInBand">;
  /** How often a session is looked after, in ms. */
  readonly #tickMs: number;

  constructor(readonly config: Config, readonly runtime: Runtime) {
    const { now, fetch } = runtime;
    const maxSockets = config.maxSockets ?? runtime.maxSockets;
    const [places, measures, turn] = [this.#places, this.#measures, this.#turn];
    const awake = this.#awake = new Awake(now, !runtime.timersPerRequest);
    const unsent = new Unsent(config.maxUnsentBytes);
    const health = this.#health = new Health(now);
    const dial = (wire: Wire) => this.#dial(wire);
    const hub = createHub({ config, runtime, awake, unsent, turn, measures, dial });
    const { authenticate, checks } = createAuthenticator(config, fetch, now);
    const revocation = createRevocation(config, runtime, awake, (hashes) => this.#endThose(hashes));
    const authenticator: Authenticator = {
      checks,
      async authenticate(credential) {
        const identity = await authenticate(credential);
        if (identity.kind === "user") await revocation.check(identity);
        return identity;
      },
    };
    const most = config.waitingMax ?? Math.ceil(maxSockets / 4);
    const took = measures.setUp;
    this.#limits = createLimits(config, places, maxSockets, now);
    this.#hub = hub;
    this.#revocation = revocation;
    this.#authenticator = authenticator;
    this.#refusals = createRefusals(config, places, (error) => this.note(error));
    this.#broadcast = createBroadcast(config, runtime, new Kept(unsent, MAX_BODIES_BYTES));
    this.#drain = createDrain(health.sessions, config, health.uptime);
    this.#reporter = new Reporter({
      ...{ config, checks, health, hub, measures, places, maxSockets },
      revocation: () => revocation.report(),
    });
    this.#reception = new Reception(
      { config, authenticator, runtime, awake, places, unsent, most, took },
      this,
    );
    const refuse: Relay["refuse"] = (...given) => this.refuse(...given);
    this.#shared = { config, runtime, awake, unsent, measures, authenticator, refuse };
    this.#tickMs = Math.min(TICK_MS, config.maxSilenceMs);
    this.#begin();
  }

  /** Never rejects. */
  async handle(request: Request): Promise<Response> {
    // Read before the upgrade: afterwards a request's headers may throw.
    const origin = isUpgrade(request.headers) ? undefined : request.headers.get("origin");
    const response = await this.#answer(request).catch((thrown) =>
      refusal(this.note(thrown), this.#authenticator.checks)
    );
    return origin === undefined ? response : withCors(response, origin, this.config);
  }

  /** Takes a client's place, and opens its way to Realtime. */
  async admit(identity: Identity, caller: Caller): Promise<Admitted> {
    const { wire, address, negotiated, turn } = caller;
    const place = this.#limits.enter(identity, address);
    let upstream;
    try {
      const isShared = this.#hub.serves(identity);
      upstream = isShared ? this.#hub.viewer(identity, wire) : await this.#dial(wire);
      // The dial may have taken seconds, and a drain, or a session's end, ends the sockets that are there.
      this.#drain.check();
      this.#revocation.recheck(identity);
      return { vsn: wire.vsn, identity, upstream, place, negotiated, turn };
    } catch (error) {
      upstream?.socket.close();
      place.leave();
      throw error;
    }
  }

  giveUp({ place, upstream }: Admitted): void {
    place.leave();
    upstream.socket.close();
  }

  /** `early` is what a client has sent whom a frame has named. */
  follow(id: string, client: Socket, admitted: Admitted, early?: Message[]): Promise<void> {
    const { runtime } = this;
    const start = runtime.now();
    admitted.place.become("open");
    const namedInBand = early !== undefined;
    const session = openSession({ ...this.#shared, ...admitted, client, early, namedInBand });
    const tick = () => session.tick();
    const stop = runtime.timersPerRequest ? every(this.#tickMs, tick) : undefined;
    this.#health.opened(session);
    runtime.log(openLine(id, admitted.identity, this.#places.counts.open));
    return session.closed.then((summary) => {
      stop?.();
      session.stop();
      this.#health.closed(session, summary);
      runtime.log(closeLine(id, session, summary, runtime.now() - start));
    });
  }

  note(thrown: unknown, id = ""): RelayError {
    const error = toRelayError(thrown);
    this.#health.refused(error.code);
    this.runtime.log(refuseLine(id, error));
    return error;
  }

  refuse(client: Socket, error: RelayError, vsn: Vsn, early?: Message[]): boolean {
    try {
      this.#refusals.check();
    } catch {
      return false;
    }
    this.runtime.keepAlive(this.#refusals.refuse(client, error, vsn, early));
    return true;
  }

  close(client: Socket, error: RelayError, place: Place): Promise<void> {
    return this.#refusals.close(client, error, place);
  }

  #begin(): void {
    const { runtime } = this;
    runtime.onShutdown(async (reason) => {
      const ends = [this.#reception.end(), this.#drain.begin(reason), this.#refusals.empty()];
      await Promise.all(ends);
    });
    if (this.#awake.isWatched) every(LOOK_MS, () => this.#awake.tick());
    if (runtime.timersPerRequest) return;
    every(this.#tickMs, () => this.#health.sessions.forEach((session) => session.tick()));
  }

  async #answer(request: Request): Promise<Response> {
    const url = urlOf(request);
    const route = routeOf(request.method, url.pathname);
    if (route.kind === "preflight") return preflight();
    if (route.kind === "health") return this.#reporter.health();
    if (route.kind === "metrics") return this.#reporter.metrics(request);
    if (route.kind === "broadcast") return await this.#publish(request, url, route);
    return await (isUpgrade(request.headers)
      ? this.#connect(request, url)
      : this.#verdict(request, url));
  }

  async #publish(request: Request, url: URL, target: BroadcastTarget): Promise<Response> {
    const identity = await this.#identify(request, url, false);
    const address = this.#addressOf(request);
    const name = identity.kind === "user" ? `user ${identity.who}` : `address ${address}`;
    const mayPass = (messages: number, bytes?: number) =>
      this.#limits.mayBroadcast(identity, address, messages, bytes);
    const recheck = () => this.#revocation.recheck(identity);
    return await this.#broadcast(request, target, { identity, name, mayPass, recheck });
  }

  async #connect(request: Request, url: URL): Promise<Response> {
    const { runtime } = this;
    const start = runtime.now();
    const id = crypto.randomUUID().slice(0, 8);
    if (runtime.strictUpgradeValue && request.headers.get("upgrade") !== "websocket") {
      throw new RelayError("bad_request", "This host wants Upgrade: websocket, in small letters.");
    }
    const protocol = answeredProtocol(offeredProtocols(request.headers));
    checkHandshake(request.headers, protocol, runtime.strictProtocolList);
    let admitted;
    try {
      this.#drain.check();
      this.#limits.checkRoom();
      const address = this.#addressOf(request);
      const caller = { id, wire: wireOf(url), address, ...this.#spokenBy(protocol) };
      const identity = await this.#identify(request, url, true);
      if (this.#isUnnamed(identity)) return this.#receive(request, protocol, caller);
      admitted = await this.admit(identity, caller);
    } catch (thrown) {
      const error = this.note(thrown, id);
      this.#refusals.check();
      const { socket, response } = runtime.upgrade(request, protocol);
      runtime.keepAlive(this.#refusals.refuse(socket, error, vsnOf(url, "1.0.0")));
      return response;
    }
    const { socket: client, response } = this.#upgradeAdmitted(request, protocol, admitted);
    this.#measures.setUp.note(runtime.now() - start);
    runtime.keepAlive(this.follow(id, client, admitted));
    return response;
  }

  /** Lets wait whom a frame is to name. */
  #receive(request: Request, protocol: string | undefined, caller: Caller): Response {
    // Who comes behind the shutdown is not told by it.
    this.#drain.check();
    this.#reception.check(caller.address);
    const { socket, response } = this.runtime.upgrade(request, protocol);
    this.runtime.keepAlive(this.#reception.receive(socket, caller));
    return response;
  }

  #upgradeAdmitted(request: Request, protocol: string | undefined, admitted: Admitted) {
    try {
      return this.runtime.upgrade(request, protocol);
    } catch (error) {
      this.giveUp(admitted);
      throw error;
    }
  }

  /** Tells who does not ask for a WebSocket what would become of one. */
  async #verdict(request: Request, url: URL): Promise<Response> {
    this.#drain.check();
    vsnOf(url);
    const isWaited = this.#isUnnamed(await this.#identify(request, url, true));
    const message = isWaited
      ? "The request is no WebSocket upgrade, and the first join is to bring a user's token."
      : "The request is no WebSocket upgrade.";
    throw new RelayError("upgrade_required", message);
  }

  /** `mayWait` where a public key may be followed by its user's token. */
  async #identify(request: Request, url: URL, mayWait: boolean): Promise<Identity> {
    const { config } = this;
    const { headers } = request;
    this.#limits.attempt(this.#addressOf(request));
    const credential = readCredential(url, headers, config);
    authorizeOrigin(headers.get("origin"), config, () => hostsOf(url, headers, config));
    authorizeCredential(credential, config, mayWait);
    return await this.#authenticator.authenticate(credential);
  }

  #addressOf({ headers }: Request): string | undefined {
    return addressOf(headers, this.config.trustedProxies);
  }

  /** True for whoever is no viewer, and nobody yet. */
  #isUnnamed({ kind }: Identity): boolean {
    return kind === "anonymous" && this.config.anonymous === "join";
  }

  /** What a client understands that negotiated this. */
  #spokenBy(protocol: string | undefined): Pick<Caller, "negotiated" | "turn"> {
    return {
      negotiated: protocol === NOTICES || protocol === BATCHES,
      turn: protocol === BATCHES ? this.#turn : undefined,
    };
  }

  async #dial(wire: Wire): Promise<Dialled> {
    const { config, runtime } = this;
    const start = runtime.now();
    const dialled = await dialUpstream(config, upstreamUrl(config, wire), runtime, this.#awake);
    this.#measures.dial.note(runtime.now() - start);
    return dialled;
  }

  /** Of these hashes are sessions that have ended. */
  #endThose(hashes: ReadonlySet<string>): void {
    for (const session of this.#health.sessions) {
      if (isOf(session.identity, hashes)) session.end(signedOut());
    }
  }
}

/** Answers in place of a relay whose environment is wrong: everywhere the list of problems. */
export function createMisconfigured(problems: readonly string[]): Handler {
  const error = new RelayError("misconfigured", problems.join("; "));
  const body = { status: "misconfigured", ...error.toJSON(), problems };
  return () => Promise.resolve(json(error.status, body));
}

/**
 * The relay for an environment or, where that is wrong, what tells every client so. `put` may put
 * something before it.
 */
export function relayFor(
  environment: Record<string, string>,
  runtime: Runtime,
  put: (relay: Handler, config: Config) => Handler = (relay) => relay,
): Handler {
  try {
    const config = readConfig(environment);
    return put(createRelay(config, runtime), config);
  } catch (error) {
    if (error instanceof ConfigError) return createMisconfigured(error.problems);
    throw error;
  }
}

/** Throws `bad_request` where the request's target and Host make none. */
export function urlOf(request: Pick<Request, "url">): URL {
  const url = URL.parse(request.url);
  if (url) return url;
  throw new RelayError("bad_request", "The request's target and Host make no URL.");
}

/** Repeats until told to stop, without keeping the worker alive. */
function every(ms: number, work: () => void): () => void {
  const timer: unknown = setInterval(work, ms);
  (timer as { unref?(): void }).unref?.();
  return () => clearInterval(timer as number);
}
