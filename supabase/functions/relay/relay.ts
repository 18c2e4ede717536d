import { addressOf } from "./address.ts";
import { createAuthenticator, type Identity } from "./authenticate.ts";
import { authorizeCredential, authorizeOrigin } from "./authorize.ts";
import { broadcast } from "./broadcast.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { answeredProtocol, NOTICES, offeredProtocols, readCredential } from "./credential.ts";
import { dialUpstream } from "./dial.ts";
import { createDrain } from "./drain.ts";
import { RelayError, toRelayError } from "./errors.ts";
import { checkHandshake, isUpgrade } from "./handshake.ts";
import { Health } from "./health.ts";
import { json, preflight, refusal, withCors } from "./http.ts";
import { createHub } from "./hub.ts";
import { createLimits } from "./limits.ts";
import { closeLine, openLine, refuseLine } from "./log.ts";
import { createRefusals } from "./refuse.ts";
import { routeOf } from "./route.ts";
import type { Runtime } from "./runtime.ts";
import { openSession, type SessionOptions } from "./session.ts";
import { Unsent } from "./unsent.ts";
import { upstreamUrl, vsnOf, wireOf } from "./upstream.ts";

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/** A client that may be let in, with its socket to Realtime. */
type Admitted = Pick<SessionOptions, "vsn" | "identity" | "upstream" | "leave">;

/** How often the sockets are looked after: a fifth of the time between two heartbeats. */
const TICK_MS = 5_000;

/**
 * The relay as one function: request -> credential -> authenticate -> authorize -> dial upstream ->
 * upgrade -> tunnel. This is the only place that knows the order.
 */
export function createRelay(config: Config, runtime: Runtime): Handler {
  const { now } = runtime;
  const maxSockets = config.maxSockets ?? runtime.maxSockets;
  const authenticator = createAuthenticator(config, runtime.fetch, now);
  const limits = createLimits(config, maxSockets, now);
  const unsent = new Unsent(config.maxUnsentBytes);
  const hub = createHub(config, runtime, unsent);
  const health = new Health(now);
  const refusals = createRefusals(config);
  const drain = createDrain(health.sessions, config, health.uptime);
  runtime.onShutdown(drain.begin);
  const tickMs = Math.min(TICK_MS, config.maxSilenceMs);
  if (!runtime.timersPerRequest) every(tickMs, () => health.sessions.forEach((it) => it.tick()));

  async function identify(request: Request, url: URL): Promise<Identity> {
    limits.attempt(addressOf(request.headers, config.trustedProxies));
    const credential = readCredential(url, request.headers, config);
    authorizeOrigin(request.headers.get("origin"), config);
    authorizeCredential(credential, config);
    return await authenticator.authenticate(credential);
  }

  /** Everything that must hold before a client is let in; `leave` gives its place back. */
  async function admit(request: Request, url: URL): Promise<Admitted> {
    drain.check();
    limits.checkRoom();
    const wire = wireOf(url);
    const identity = await identify(request, url);
    const leave = limits.enter(identity, addressOf(request.headers, config.trustedProxies));
    let upstream;
    try {
      upstream = hub.serves(identity)
        ? hub.viewer(identity, wire)
        : await dialUpstream(config, upstreamUrl(config, wire), runtime);
      // The dial may have taken seconds, and a drain ends the sockets that were there when it began.
      drain.check();
      return { vsn: wire.vsn, identity, upstream, leave };
    } catch (error) {
      upstream?.socket.close();
      leave();
      throw error;
    }
  }

  async function connect(request: Request, url: URL): Promise<Response> {
    const id = crypto.randomUUID().slice(0, 8);
    const protocol = answeredProtocol(offeredProtocols(request.headers));
    checkHandshake(request.headers, protocol, runtime.strictProtocolList);
    let admitted;
    try {
      admitted = await admit(request, url);
    } catch (thrown) {
      const error = noteRefusal(thrown, id);
      refusals.check();
      const { socket, response } = runtime.upgrade(request, protocol);
      runtime.keepAlive(refusals.refuse(socket, error, vsnOf(url, "1.0.0")));
      return response;
    }
    const { socket: client, response } = upgradeAdmitted(request, protocol, admitted);
    const negotiated = protocol === NOTICES;
    runtime.keepAlive(
      follow(id, { ...admitted, client, negotiated, config, unsent, authenticator, runtime }),
    );
    return response;
  }

  function upgradeAdmitted(request: Request, protocol: string | undefined, admitted: Admitted) {
    try {
      return runtime.upgrade(request, protocol);
    } catch (error) {
      admitted.leave();
      admitted.upstream.socket.close();
      throw error;
    }
  }

  function follow(id: string, options: SessionOptions): Promise<void> {
    const start = now();
    const session = openSession(options);
    const stop = runtime.timersPerRequest ? every(tickMs, () => session.tick()) : undefined;
    health.opened(session);
    runtime.log(openLine(id, options.identity, health.sessions.size));
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
    await identify(request, url);
    throw new RelayError("upgrade_required", "The request is no WebSocket upgrade.");
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
    if (route.kind === "health") {
      return json(200, health.report(config, authenticator.checks, maxSockets, hub.report()));
    }
    if (route.kind === "broadcast") {
      const identity = await identify(request, url);
      const address = addressOf(request.headers, config.trustedProxies);
      const mayPass = (messages: number) => limits.mayBroadcast(identity, address, messages);
      return broadcast(request, route, identity, mayPass, config, runtime);
    }
    return await (isUpgrade(request.headers) ? connect(request, url) : verdict(request, url));
  }

  return async (request) => {
    // Read before the upgrade: afterwards a request's headers may throw.
    const origin = isUpgrade(request.headers) ? undefined : request.headers.get("origin");
    const response = await answer(request).catch((thrown) =>
      refusal(noteRefusal(thrown), authenticator.checks)
    );
    return origin === undefined ? response : withCors(response, origin, config);
  };
}

/** Answers in place of a relay whose environment is wrong: everywhere the list of problems. */
export function createMisconfigured(problems: readonly string[]): Handler {
  const error = new RelayError("misconfigured", problems.join("; "));
  const body = { status: "misconfigured", ...error.toJSON(), problems };
  return () => Promise.resolve(json(error.status, body));
}

/** The relay for an environment or, where that is wrong, what tells every client so. */
export function relayFor(environment: Record<string, string>, runtime: Runtime): Handler {
  try {
    return createRelay(readConfig(environment), runtime);
  } catch (error) {
    if (error instanceof ConfigError) return createMisconfigured(error.problems);
    throw error;
  }
}

function urlOf(request: Request): URL {
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
