import type { Answer } from "../ask/receive.ts";
import type { ProxyName } from "../fixes/mod.ts";

/**
 * What each says of its own trouble, which others pass on as it is. Of Kong not what it says of a path
 * or of a key: those it has from whoever stands before it.
 */
const PAGES: [ProxyName, RegExp][] = [
  [
    "kong",
    /"message":\s*"(?:name resolution failed|Service unavailable"|failure to get a peer from the ring-balancer|An invalid response was received from the upstream|The upstream server is )/,
  ],
  ["cloudflare", /^error code: \d{3,4}\s*$/],
  [
    "envoy",
    /^(?:upstream connect error or disconnect|no healthy upstream|upstream request timeout)/,
  ],
  ["nginx", /<center>(?:nginx|openresty)\b/],
  ["apache", /<address>Apache\b/],
  ["haproxy", /<html><body><h1>\d{3} [\w ]+<\/h1>\n/],
];

/** How each gives itself away in the head of what it makes or passes on. */
const HEADS: [ProxyName, (headers: Headers, body: string) => boolean][] = [
  // Its mark stays where another, which names itself, stands in front of it.
  [
    "cloudflare",
    (headers) => /cloudflare/i.test(server(headers)) || headers.has("cf-ray") && !server(headers),
  ],
  ["kong", (headers) => /kong/i.test(server(headers)) || /kong/i.test(headers.get("via") ?? "")],
  ["envoy", (headers) => /envoy/i.test(server(headers))],
  ["nginx", (headers) => /nginx|openresty/i.test(server(headers))],
  ["caddy", (headers) => /caddy/i.test(server(headers) + headers.get("via"))],
  ["apache", (headers) => /apache/i.test(server(headers))],
  ["traefik", (headers, body) => isTraefik(headers, body)],
];

const makerOf = ({ body }: Answer) => PAGES.find(([, page]) => page.test(body))?.[0];
const frontOf = ({ headers, body }: Answer) => HEADS.find(([, is]) => is(headers, body))?.[0];

/** The proxy that made this answer, else the one that passed it on; undefined where nothing tells. */
export const recognise = (answer: Answer): ProxyName | undefined =>
  makerOf(answer) ?? frontOf(answer);

/** Whether one proxy passed on what another one behind it made. */
export function isPassedOn(answer: Answer): boolean {
  const [maker, front] = [makerOf(answer), frontOf(answer)];
  if (maker === undefined) return false;
  // Who passes it on adds itself there (RFC 9110, 7.6.3), whatever else of the other it leaves.
  const via = answer.headers.get("via")?.toLowerCase() ?? maker;
  return front !== undefined && maker !== front || !via.includes(maker);
}

/** What an answer says about who is on the way, for a line of the report. */
export function tracesOf({ headers }: Answer): string {
  const traces = ["server", "via"].map((name) => headers.get(name)).filter(Boolean);
  return traces.length > 0 ? ` (${traces.join(", ")})` : "";
}

const server = (headers: Headers) => headers.get("server") ?? "";

/** By its name, by the realm of its password, or by Go's own 404 without a Server header. */
function isTraefik(headers: Headers, body: string): boolean {
  const names = server(headers) + (headers.get("www-authenticate") ?? "");
  return /traefik/i.test(names) || body === "404 page not found\n" && !headers.has("server");
}
