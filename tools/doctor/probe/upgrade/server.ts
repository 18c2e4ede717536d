import type { Answer } from "../../ask/receive.ts";
import type { FindingId } from "../../findings/mod.ts";

/** nginx, Go's servers and Apache, asked by http at a port that speaks https. */
const WANTS_TLS =
  /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|speaking plain HTTP to an SSL-enabled/;

/** IIS that wants https at this very path; Kong and others tell it by 426 and what to change to. */
const DEMANDS_TLS = /403\.4\b[^<]{0,40}\bSSL is required/;

/** nginx and Apache, which answer 400 for that. */
const TOO_LONG = /Request Header Or Cookie Too Large|Size of a request header field exceeds/;

/**
 * The 503 of nginx, which for a server that it does not reach has 502 and 504; and of Kong, where that is
 * what it was told to say.
 */
const SHUT =
  /<center>(?:nginx|openresty)\b|^\{\s*"message":\s*"Service unavailable"(?:,\s*"request_id":\s*"\w*")?\s*\}\s*$/;

/** What a web server says of a request that it passes to nobody; undefined where it is no such. */
export function readServer({ status, headers, body }: Answer): FindingId | undefined {
  if (status === 400 && WANTS_TLS.test(body)) return "https_wanted";
  const wants = headers.get("upgrade") ?? "";
  if (status === 426 && /\bTLS\b/i.test(wants) || status === 403 && DEMANDS_TLS.test(body)) {
    return "https_demanded";
  }
  if (status === 503 && SHUT.test(body)) return "shut_by_proxy";
  return status === 400 && TOO_LONG.test(body) ? "header_too_long" : undefined;
}
