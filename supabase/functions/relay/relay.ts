import { createAuthenticator, type Identity } from "./authenticate.ts";
import { authorizeCredential, authorizeOrigin } from "./authorize.ts";
import { broadcast } from "./broadcast.ts";
import type { Config } from "./config.ts";
import { answeredProtocol, offeredProtocols, readCredential } from "./credential.ts";
import { dialUpstream } from "./dial.ts";
import { causeOf, RelayError, toRelayError } from "./errors.ts";
import { checkHandshake, isUpgrade } from "./handshake.ts";
import { Health } from "./health.ts";
import { json, preflight, refusal, withCors } from "./http.ts";
import { createRefusals } from "./refuse.ts";
import { routeOf } from "./route.ts";
import type { Runtime } from "./runtime.ts";
import { runSession } from "./session.ts";
import { upstreamUrl, vsnOf } from "./upstream.ts";

/** Answers a request; never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * The relay as one function: request -> credential -> authenticate -> authorize -> dial upstream -> upgrade ->
 * tunnel. This is the only place that knows the order.
 */
export function createRelay(config: Config, runtime: Runtime): Handler {
  const authenticator = createAuthenticator(config, runtime.fetch, runtime.now);
  const health = new Health(runtime.now());
  const refusals = createRefusals(config);

  async function identify(request: Request, url: URL): Promise<Identity> {
    const credential = readCredential(url, request.headers, config);
    authorizeOrigin(request.headers.get("origin"), config);
    authorizeCredential(credential, config);
    return await authenticator.authenticate(credential);
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
    const { socket: client, response } = runtime.upgrade(request, protocol);
    const session = { id, client, config, authenticator, runtime, health, ...admitted };
    runtime.keepAlive(runSession(session).catch((thrown) => noteRefusal(thrown, id)));
    return response;
  }

  async function admit(request: Request, url: URL) {
    const vsn = vsnOf(url);
    const identity = await identify(request, url);
    return {
      vsn,
      identity,
      upstream: await dialUpstream(config, upstreamUrl(config, url), runtime),
    };
  }

  async function verdict(request: Request, url: URL): Promise<Response> {
    vsnOf(url);
    await identify(request, url);
    throw new RelayError("upgrade_required", "The request is no WebSocket upgrade.");
  }

  function noteRefusal(thrown: unknown, id = ""): RelayError {
    const error = toRelayError(thrown);
    const cause = causeOf(error);
    health.refused(error.code);
    runtime.log({ event: "refuse", id, code: error.code, ...(cause && { cause }) });
    return error;
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const route = routeOf(request.method, url.pathname);
    if (route.kind === "preflight") return preflight();
    if (route.kind === "health") {
      return json(200, health.report(config, authenticator.checks));
    }
    if (route.kind === "broadcast") {
      return broadcast(request, route, await identify(request, url), config, runtime);
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
  return () =>
    Promise.resolve(
      json(error.status, { status: "misconfigured", ...error.toJSON(), problems }),
    );
}
