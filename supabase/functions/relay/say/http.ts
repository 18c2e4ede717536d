import type { Checks } from "../door/authenticate.ts";
import type { Config } from "../config/config.ts";
import { isListed } from "../config/origin.ts";
import type { RelayError } from "../errors.ts";

/** What Supabase's SDKs send with a broadcast, the headers of W3C Trace Context and Baggage included. */
const ALLOWED_HEADERS = "authorization, apikey, content-type, x-client-info, " +
  "x-supabase-api-version, x-retry-count, traceparent, tracestate, baggage";

/** A JSON answer that no cache keeps. */
export function json(status: number, body: unknown): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** The HTTP form of a refusal, with how tokens are checked here. */
export function refusal(error: RelayError, checks: Checks): Response {
  return json(error.status, { ...error.toJSON(), checks });
}

/** The answer to a CORS preflight (Fetch standard, 3.2). */
export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, OPTIONS",
      "access-control-allow-headers": ALLOWED_HEADERS,
      "access-control-max-age": "86400",
    },
  });
}

/** Lets a page of an allowed origin read the answer; never with credentials. */
export function withCors(response: Response, origin: string | null, config: Config): Response {
  response.headers.append("vary", "origin");
  if (origin !== null && isListed(origin, config.origins)) {
    response.headers.set("access-control-allow-origin", origin);
  }
  return response;
}
