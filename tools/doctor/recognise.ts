import type { ProxyName } from "./options.ts";
import type { Answer } from "./raw_http.ts";

/** How each proxy gives itself away, in headers or in the error page that it makes itself. */
const MARKS: [ProxyName, (headers: Headers, body: string) => boolean][] = [
  ["cloudflare", (headers) => headers.has("cf-ray") || /cloudflare/i.test(server(headers))],
  ["kong", (headers) => /kong/i.test(server(headers)) || /kong/i.test(headers.get("via") ?? "")],
  ["nginx", (headers) => /nginx|openresty/i.test(server(headers))],
  ["caddy", (headers) => /caddy/i.test(server(headers) + headers.get("via"))],
  ["apache", (headers) => /apache/i.test(server(headers))],
  ["traefik", (headers, body) => /traefik/i.test(server(headers)) || isTraefikPage(headers, body)],
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

/** Go's own 404, without a Server header. */
function isTraefikPage(headers: Headers, body: string): boolean {
  return body === "404 page not found\n" && !headers.has("server");
}
