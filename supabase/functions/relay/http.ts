import type { Checks } from "./authenticate.ts";
import { isAllowedOrigin } from "./authorize.ts";
import type { Config } from "./config.ts";
import type { RelayError } from "./errors.ts";

/** What a page may send with a GET verdict or a broadcast. */
const ALLOWED_HEADERS = "authorization, apikey, content-type, x-client-info";

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
  if (origin !== null && isAllowedOrigin(origin, config)) {
    response.headers.set("access-control-allow-origin", origin);
  }
  return response;
}
