import type { Answer } from "../ask/receive.ts";
import type { ProxyName } from "../fixes/mod.ts";

/** How each proxy gives itself away, in headers or in the error page that it makes itself. */
const MARKS: [ProxyName, (headers: Headers, body: string) => boolean][] = [
  ["cloudflare", (headers) => headers.has("cf-ray") || /cloudflare/i.test(server(headers))],
  ["kong", (headers) => /kong/i.test(server(headers)) || /kong/i.test(headers.get("via") ?? "")],
  ["envoy", (headers) => /envoy/i.test(server(headers))],
  ["nginx", (headers) => /nginx|openresty/i.test(server(headers))],
  ["caddy", (headers) => /caddy/i.test(server(headers) + headers.get("via"))],
  ["apache", (headers) => /apache/i.test(server(headers))],
  ["traefik", (headers, body) => isTraefik(headers, body)],
  ["haproxy", (_, body) => /<html><body><h1>\d{3} [\w ]+<\/h1>\n/.test(body)],
];

/** The proxy that made or passed on this answer; undefined where nothing tells. */
export function recognise(answer: Answer): ProxyName | undefined {
  return MARKS.find(([, is]) => is(answer.headers, answer.body))?.[0];
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
