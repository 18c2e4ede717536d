import type { IncomingMessage, ServerResponse } from "node:http";

const METHODS = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";
/** What supabase-js sends, for a preflight that names nothing. */
const HEADERS = "authorization,apikey,content-type,prefer,range,x-client-info";
/** What supabase-js reads, beyond what any script may read. */
const EXPOSED = "content-range,content-location,preference-applied,x-supabase-api-version";
/** An hour; browsers keep it for two at most. */
const MAX_AGE_S = "3600";

/** Whether the gateway answers for CORS. Functions do so themselves, as on hosted projects. */
export function hasCors(request: IncomingMessage): boolean {
  return /^\/(?:rest|auth|storage|realtime)\/v1\//.test(request.url!);
}

/** Lets a page of any origin read this answer: keys and tokens travel in headers, not in cookies. */
export function allowAnyOrigin(response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-expose-headers", EXPOSED);
}

/**
 * Adds a field of an answer from behind the gateway. What is said there about CORS gives way to the
 * gateway's own words: browsers take no answer that allows its origin twice.
 */
export function addField(response: ServerResponse, name: string, value: string): void {
  const isSaid = name.toLowerCase().startsWith("access-control-") && response.hasHeader(name);
  if (!isSaid) response.appendHeader(name, value);
}

/** Answers a browser's question whether it may send what it is about to send: yes. */
export function preflight(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": METHODS,
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? HEADERS,
    "access-control-max-age": MAX_AGE_S,
    "vary": "access-control-request-headers",
  }).end();
}
