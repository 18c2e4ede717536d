import { addressOf, hostsOf } from "./door/address.ts";
import { type Authenticator, createAuthenticator } from "./door/authenticate.ts";
import type { Identity } from "./door/identity.ts";
import { authorizeCredential, authorizeOrigin } from "./door/authorize.ts";
import { MAX_BODIES_BYTES } from "./broadcast/bodies.ts";
import { createBroadcast } from "./broadcast/broadcast.ts";
import { type Config, ConfigError, readConfig } from "./config/config.ts";
import { answeredProtocol, BATCHES, NOTICES, readCredential } from "./door/credential.ts";
import { Awake, LOOK_MS } from "./peer/awake.ts";
import { type Dialled, dialUpstream } from "./realtime/dial.ts";
import { createDrain } from "./socket/drain.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { checkHandshake, isUpgrade } from "./door/handshake.ts";
import { Health } from "./say/health.ts";
import { json, preflight, refusal, withCors } from "./say/http.ts";
import { createHub } from "./hub/hub.ts";
import { createLimits } from "./door/limits.ts";
import { closeLine, openLine, refuseLine } from "./say/log.ts";
import { Measures } from "./measure/measures.ts";
import { Places } from "./peer/places.ts";
import { Turn } from "./peer/turn.ts";
import { createRefusals } from "./say/refuse.ts";
import { Reporter } from "./say/report.ts";
import { offeredProtocols } from "./door/places.ts";
import { routeOf } from "./door/route.ts";
import type { Message, Runtime, Socket } from "./runtime.ts";
import { openSession, type SessionOptions } from "./socket/session.ts";
import { createRevocation, isOf, signedOut } from "./revoke/revoke.ts";
import { Reception } from "./waiting/reception.ts";
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

/**
 * The relay as one function: request -> credential -> authenticate -> authorize -> dial upstream ->
 * upgrade -> tunnel. This is the only place that knows the order.
 */
export function createRelay(config: Config, runtime: Runtime): Handler {
  const { now } = runtime;
  const maxSockets = config.maxSockets ?? runtime.maxSockets;
  const { authenticate, checks } = createAuthenticator(config, runtime.fetch, now);
  const awake = new Awake(now, !runtime.timersPerRequest);
  if (awake.isWatched) every(LOOK_MS, () => awake.tick());
  const places = new Places();
  const limits = createLimits(config, places, maxSockets, now);
  const unsent = new Unsent(config.maxUnsentBytes);
  const turn = new Turn();
  const measures = new Measures();
  const hub = createHub({ config, runtime, awake, unsent, turn, measures, dial });
  const health = new Health(now);
  const revocation = createRevocation(config, runtime, awake, (hashes) => {
    for (const session of health.sessions) {
      if (isOf(session.identity, hashes)) session.end(signedOut());
    }
  });
  const authenticator: Authenticator = {
    checks,
    async authenticate(credential) {
      const identity = await authenticate(credential);
      if (identity.kind === "user") await revocation.check(identity);
      return identity;
    },
  };
  const most = config.waitingMax ?? Math.ceil(maxSockets / 4);
  const refusals = createRefusals(config, places, (error) => noteRefusal(error));
  const broadcast = createBroadcast(config, runtime, new Kept(unsent, MAX_BODIES_BYTES));
  const drain = createDrain(health.sessions, config, health.uptime);
  /** What all sessions are given. */
  const shared = { config, unsent, authenticator, runtime, awake, refuse, measures };
  const reporter = new Reporter({
    ...{ config, checks, health, hub, measures, places, maxSockets },
    revocation: () => revocation.report(),
  });
  const reception = new Reception<Caller, Admitted>(
    { config, authenticator, runtime, awake, places, unsent, most, took: measures.setUp },
    {
      ...{ admit, giveUp, refuse, note: noteRefusal },
      follow: (id, client, admitted, early) =>
        follow(id, { ...shared, ...admitted, client, early, namedInBand: true }),
      close: (client, error, place) => refusals.close(client, error, place),
    },
  );
  runtime.onShutdown(async (reason) => {
    await Promise.all([reception.end(), drain.begin(reason), refusals.empty()]);
  });
  const tickMs = Math.min(TICK_MS, config.maxSilenceMs);
  if (!runtime.timersPerRequest) every(tickMs, () => health.sessions.forEach((it) => it.tick()));

  /** `mayWait` where a public key may be followed by its user's token. */
  async function identify(request: Request, url: URL, mayWait: boolean): Promise<Identity> {
    limits.attempt(addressOf(request.headers, config.trustedProxies));
    const credential = readCredential(url, request.headers, config);
    const { headers } = request;
    authorizeOrigin(headers.get("origin"), config, () => hostsOf(url, headers, config));
    authorizeCredential(credential, config, mayWait);
    return await authenticator.authenticate(credential);
  }

  /** True for whoever is no viewer, and nobody yet. */
  const isUnnamed = ({ kind }: Identity) => kind === "anonymous" && config.anonymous === "join";

  /** What a client understands that negotiated this. */
  const spokenBy = (protocol: string | undefined) => ({
    negotiated: protocol === NOTICES || protocol === BATCHES,
    turn: protocol === BATCHES ? turn : undefined,
  });

  async function dial(wire: Wire): Promise<Dialled> {
    const start = now();
    const dialled = await dialUpstream(config, upstreamUrl(config, wire), runtime, awake);
    measures.dial.note(now() - start);
    return dialled;
  }

  /** Takes a client's place, and opens its way to Realtime. */
  async function admit(identity: Identity, caller: Caller): Promise<Admitted> {
    const { wire, address, negotiated, turn } = caller;
    const place = limits.enter(identity, address);
    let upstream;
    try {
      upstream = hub.serves(identity) ? hub.viewer(identity, wire) : await dial(wire);
      // The dial may have taken seconds, and a drain, or a session's end, ends the sockets that are there.
      drain.check();
      revocation.recheck(identity);
      return { vsn: wire.vsn, identity, upstream, place, negotiated, turn };
    } catch (error) {
      upstream?.socket.close();
      place.leave();
      throw error;
    }
  }

  async function connect(request: Request, url: URL): Promise<Response> {
    const start = now();
    const id = crypto.randomUUID().slice(0, 8);
    if (runtime.strictUpgradeValue && request.headers.get("upgrade") !== "websocket") {
      throw new RelayError("bad_request", "This host wants Upgrade: websocket, in small letters.");
    }
    const protocol = answeredProtocol(offeredProtocols(request.headers));
    checkHandshake(request.headers, protocol, runtime.strictProtocolList);
    let admitted;
    try {
      drain.check();
      limits.checkRoom();
      const address = addressOf(request.headers, config.trustedProxies);
      const caller = { id, wire: wireOf(url), address, ...spokenBy(protocol) };
      const identity = await identify(request, url, true);
      if (isUnnamed(identity)) {
        // Who comes behind the shutdown is not told by it.
        drain.check();
        reception.check(address);
        const { socket, response } = runtime.upgrade(request, protocol);
        runtime.keepAlive(reception.receive(socket, caller));
        return response;
      }
      admitted = await admit(identity, caller);
    } catch (thrown) {
      const error = noteRefusal(thrown, id);
      refusals.check();
      const { socket, response } = runtime.upgrade(request, protocol);
      runtime.keepAlive(refusals.refuse(socket, error, vsnOf(url, "1.0.0")));
      return response;
    }
    const { socket: client, response } = upgradeAdmitted(request, protocol, admitted);
    measures.setUp.note(now() - start);
    runtime.keepAlive(follow(id, { ...shared, ...admitted, client }));
    return response;
  }

  /** Refuses an open socket; false where there is no room for that. */
  function refuse(client: Socket, error: RelayError, vsn: Vsn, early?: Message[]): boolean {
    try {
      refusals.check();
    } catch {
      return false;
    }
    runtime.keepAlive(refusals.refuse(client, error, vsn, early));
    return true;
  }

  function giveUp({ place, upstream }: Admitted): void {
    place.leave();
    upstream.socket.close();
  }

  function upgradeAdmitted(request: Request, protocol: string | undefined, admitted: Admitted) {
    try {
      return runtime.upgrade(request, protocol);
    } catch (error) {
      giveUp(admitted);
      throw error;
    }
  }

  function follow(id: string, options: SessionOptions): Promise<void> {
    const start = now();
    options.place.become("open");
    const session = openSession(options);
    const stop = runtime.timersPerRequest ? every(tickMs, () => session.tick()) : undefined;
    health.opened(session);
    runtime.log(openLine(id, options.identity, places.counts.open));
    return session.closed.then((summary) => {
      stop?.();
      session.stop();
      health.closed(session, summary);
      runtime.log(closeLine(id, session, summary, now() - start));
    });
  }

  async function verdict(request: Request, url: URL): Promise<Response> {
    drain.check();
    vsnOf(url);
    const isWaited = isUnnamed(await identify(request, url, true));
    const message = isWaited
      ? "The request is no WebSocket upgrade, and the first join is to bring a user's token."
      : "The request is no WebSocket upgrade.";
    throw new RelayError("upgrade_required", message);
  }

  function noteRefusal(thrown: unknown, id = ""): RelayError {
    const error = toRelayError(thrown);
    health.refused(error.code);
    runtime.log(refuseLine(id, error));
    return error;
  }

  async function answer(request: Request): Promise<Response> {
    const url = urlOf(request);
    const route = routeOf(request.method, url.pathname);
    if (route.kind === "preflight") return preflight();
    if (route.kind === "health") return reporter.health();
    if (route.kind === "metrics") return reporter.metrics(request);
    if (route.kind === "broadcast") {
      const identity = await identify(request, url, false);
      const address = addressOf(request.headers, config.trustedProxies);
      const name = identity.kind === "user" ? `user ${identity.who}` : `address ${address}`;
      const mayPass = (messages: number) => limits.mayBroadcast(identity, address, messages);
      return broadcast(request, route, { identity, name, mayPass });
    }
    return await (isUpgrade(request.headers) ? connect(request, url) : verdict(request, url));
  }

  return async (request) => {
    // Read before the upgrade: afterwards a request's headers may throw.
    const origin = isUpgrade(request.headers) ? undefined : request.headers.get("origin");
    const response = await answer(request).catch((thrown) => refusal(noteRefusal(thrown), checks));
    return origin === undefined ? response : withCors(response, origin, config);
  };
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
