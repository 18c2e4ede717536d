import type { Config } from "../../supabase/functions/relay/config/config.ts";
import { isUpgrade } from "../../supabase/functions/relay/door/handshake.ts";
import { RelayError, toRelayError } from "../../supabase/functions/relay/errors.ts";
import type { Handler } from "../../supabase/functions/relay/relay.ts";
import type { Runtime } from "../../supabase/functions/relay/runtime.ts";
import { type Caller, Cookies, towardsClient, towardsProject } from "../pass/headers.ts";
import { callerOf, Judge, passLine, refusalOf } from "../pass/judge.ts";
import { noUpgrade, passageOf } from "../pass/passage.ts";

/** Whatever does not answer by then is down: hosted functions have 150 s. */
const ANSWER_MS = 160_000;

/** Statuses whose answers have no body (Fetch standard, 2.2.3). */
const BODILESS = [101, 103, 204, 205, 304];

/** What Cloudflare adds to the Fetch standard. */
type WorkerInit = RequestInit & { encodeResponseBody: "manual" };
type WorkerRequest = Request & { cf?: { clientAcceptEncoding?: string } };

/**
 * Puts the passage to the project before the relay. Bodies are streamed by workerd itself, in the
 * encoding in which they come.
 */
export function createPass(
  relay: Handler,
  config: Config,
  runtime: Pick<Runtime, "fetch" | "log">,
): Handler {
  const judge = new Judge(config);
  const cookies = new Cookies();
  const project = config.supabaseUrl;
  const base = project.origin + project.pathname.replace(/\/$/, "");

  async function forward(request: WorkerRequest, target: string, hasPages: boolean) {
    judge.check(target, request.headers);
    if (request.body && ["GET", "HEAD"].includes(request.method)) {
      throw new RelayError("bad_request", `A ${request.method} with a body is not passed on here.`);
    }
    const answer = await ask(request, base + target);
    const lines = linesOf(answer.headers);
    const { status, statusText } = answer;
    const headers = headersOf(towardsClient(lines, project, hasPages, cookies));
    const body = BODILESS.includes(status) ? null : answer.body;
    // Else it would be encoded a second time.
    return new Response(
      body,
      { status, statusText, headers, encodeBody: "manual" } as ResponseInit,
    );
  }

  async function ask(request: WorkerRequest, url: string): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    const init: WorkerInit = {
      method: request.method,
      headers: headersFor(request),
      body: request.body,
      redirect: "manual",
      signal: late.signal,
      encodeResponseBody: "manual",
    };
    try {
      return await runtime.fetch(url, init);
    } catch (cause) {
      const code = late.signal.aborted ? "upstream_timeout" : "upstream_refused";
      const message = late.signal.aborted ? "no answer in time" : (cause as Error).message;
      throw new RelayError(code, `The project did not answer: ${message}.`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Cloudflare writes another Accept-Encoding into every request than its client did. */
  function headersFor(request: WorkerRequest): Headers {
    const { host, protocol } = new URL(request.url);
    const itself: Caller = { address: undefined, host, protocol: protocol.slice(0, -1) };
    const caller = callerOf(request.headers, config.trustedProxies, itself);
    const headers = headersOf(towardsProject(linesOf(request.headers), project, caller, cookies));
    const accepted = request.cf?.clientAcceptEncoding;
    if (accepted) headers.set("accept-encoding", accepted);
    else if (accepted === "") headers.set("accept-encoding", "identity");
    return headers;
  }

  async function pass(request: Request, target: string, hasPages: boolean): Promise<Response> {
    const start = Date.now();
    let status = 0;
    try {
      const answer = await forward(request, target, hasPages);
      status = answer.status;
      return answer;
    } catch (thrown) {
      status = toRelayError(thrown).status;
      throw thrown;
    } finally {
      runtime.log(passLine(request.method, target, status, Date.now() - start));
    }
  }

  return async (request) => {
    try {
      const { origin, pathname, search } = new URL(request.url);
      const passage = passageOf(pathname + search, config.pass);
      if (passage.to === "relay") return await relay(new Request(origin + passage.target, request));
      if (isUpgrade(request.headers)) throw noUpgrade();
      return await pass(request, pathname + search, passage.hasPages);
    } catch (thrown) {
      return refusalOf(thrown, request.headers, config);
    }
  };
}

/** `host` is of the address that is asked for, and nobody else's to say. */
function headersOf(pairs: [string, string][]): Headers {
  const headers = new Headers();
  for (const [name, value] of pairs) if (name !== "host") headers.append(name, value);
  return headers;
}

const linesOf = (headers: Headers): string[] => [...headers].flat();
