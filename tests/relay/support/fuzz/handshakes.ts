/** Handshakes as nobody sends them, beside good ones, so that a fuzzer gets past every check. */

import type { Random } from "./random.ts";

/** A request before anybody has read it: nothing is tidied up. */
export interface Handshake {
  method: string;
  host: string;
  /** Path and query, as they stand in the request's first line. */
  target: string;
  headers: [name: string, value: string][];
}

/** For a test's failure: a token is named by its length alone. */
export function show(handshake: Handshake): string {
  return JSON.stringify(handshake)
    .replace(/(?:eyJ|ZXlK)[\w.=-]{16,}|sb_\w+/g, (token) => `(${token.length} characters)`);
}

/** Where a client may write its token. */
type Place = (handshake: Handshake, token: string) => void;

const query = (name: string): Place => (it, token) =>
  void (it.target += `${it.target.includes("?") ? "&" : "?"}${name}=${token}`);
const header = (name: string, prefix = ""): Place => (it, token) =>
  void it.headers.push([name, prefix + token]);
const latin1 = (text: string) => text.replace(/[^\x20-\xff]/g, "?");

const PLACES: Place[] = [
  query("jwt"),
  query("apikey"),
  header("authorization", "Bearer "),
  header("sec-websocket-protocol", "jwt-"),
  header("sec-websocket-protocol", "realtime-relay.v1, jwt-"),
  (it, token) => header("sec-websocket-protocol", "base64url.bearer.phx.")(it, btoa(latin1(token))),
  header("apikey"),
  header("x-api-key"),
  header("sb-api-key"),
  header("authorization"),
  query("access_token"),
];

const PATHS = [
  ...[
    "/functions/v1/relay",
    "/relay/websocket",
    "/relay/",
    "/a%2fb/relay",
    "//relay",
    "/relay/api",
  ],
  ...[
    "/relay/%77ebsocket",
    "/%72elay",
    "/relay/../relay",
    "/relay/%2e%2e",
    "/relay;x",
    "/relay%00",
  ],
  ...["/", "/rel%ffay", "/RELAY", "/relay/websocket/websocket", "/x?/relay", "/relay#/relay"],
  ...[
    "/relay/api/broadcast",
    "/relay%",
    "/relay/health",
    "/relay\\websocket",
    "/xrelay",
    "/relay//",
  ],
];
const QUERIES = [
  ...["vsn=1.0.0", "vsn=2.0.0", "vsn=", "vsn=2", "vsn=%32.0.0", "vsn=2.0.0%00", "vsn=1.0.0&vsn=9"],
  ...[
    "log_level=info",
    "log_level=info%26apikey%3dx",
    "jwt",
    "jwt=%",
    "jwt=%ff%fe",
    "&&&",
    "=",
    "%",
  ],
  ...["jwt[]=x", "apikey=", "JWT=x", "vsn=2.0.0;jwt=x", "x=%u0041", "a=" + "x".repeat(3000)],
];
const ORIGINS = [
  ...["https://app.example.com", "https://a.example.org", "https://a.b.example.org", "null", ""],
  ...["https://example.org", "https://app.example.com.evil.test", "https://evil.test#.example.org"],
  ...["HTTPS://app.example.com", "https://app.example.com:443", "https://\xff.example.org", "*"],
  ...["https://app.example.com, https://app.example.com", "https://.example.org", "https://*"],
];
const HOSTS = [
  "",
  "\xff",
  "[::1",
  "a b",
  "x:99999",
  "evil.test@x",
  "x/relay",
  "%",
  "x#",
  "x?jwt=1",
];
const METHODS = ["POST", "PUT", "HEAD", "DELETE", "get", "PRI", "X"];
const LISTS = [
  ...[
    "",
    ",",
    ",,,",
    " , ",
    "phoenix",
    "phoenix,realtime-relay.v1",
    "\xff\xff",
    "jwt-",
    "jwt-,jwt-",
  ],
  ...["JWT-x", "base64url.bearer.phx.", "base64url.bearer.phx.%%%", "base64url.bearer.phx.====="],
  ...["a,".repeat(40) + "jwt-x", "x".repeat(7000), "a b c", "realtime-relay.v1;q=1", '"phoenix"'],
];
const KEYS = [
  "Upgrade",
  "upgrade, close",
  "keep-alive",
  "",
  "websocket",
  "h2c",
  "14",
  "13, 13",
  "013",
];

type Change = (random: Random, handshake: Handshake, tokens: readonly string[]) => void;

const CHANGES: Change[] = [
  (random, it, tokens) => random.pick(PLACES)(it, random.pick(tokens)),
  (random, it, tokens) => random.pick(PLACES)(it, spoil(random, random.pick(tokens))),
  (random, it) => void (it.target = it.target.replace(/^[^?]*/, random.pick(PATHS))),
  (random, it) => void (it.target += (it.target.includes("?") ? "&" : "?") + random.pick(QUERIES)),
  (random, it) => void it.headers.push(["origin", random.pick(ORIGINS)]),
  (random, it) => void (it.host = random.pick(HOSTS)),
  (random, it) => void (it.method = random.pick(METHODS)),
  (random, it) => void it.headers.push(["sec-websocket-protocol", random.pick(LISTS)]),
  (random, it) => void (random.pick(it.headers)[1] = random.pick(KEYS)),
  (random, it) => void it.headers.splice(random.below(it.headers.length), 1),
  (random, it) => void it.headers.push(random.pick(it.headers)),
  (random, it) => {
    const line = random.pick(it.headers);
    line[1] = spoil(random, line[1]);
  },
  (random, it) => void (it.target = spoil(random, it.target).replace(/^[^/]?/, "/")),
  (random, it) =>
    void it.headers.push(["x-forwarded-for", random.text("0123456789.,:[] \xff", 60)]),
];

/** Cuts, doubles or replaces some characters; what comes out may stand in a header. */
function spoil(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const put = random.pick([
    "",
    " ",
    ",",
    "\t",
    "\xff",
    "%00",
    "=",
    ".",
    "\xa0",
    "\xc3",
    text.slice(at),
  ]);
  return text.slice(0, at) + put + text.slice(at + random.below(3));
}

/** The headers of an upgrade (RFC 6455, 4.1). */
export const UPGRADE: [string, string][] = [
  ["upgrade", "websocket"],
  ["connection", "keep-alive, Upgrade"],
  ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["sec-websocket-version", "13"],
];

/** About a fifth of what it makes is good. `tokens` begin with the good one. */
export function makeHandshake(random: Random, host: string, tokens: readonly string[]): Handshake {
  const handshake: Handshake = {
    method: "GET",
    host,
    target: `${random.pick(PATHS.slice(0, 5))}?vsn=${random.pick(["1.0.0", "2.0.0"])}`,
    headers: structuredClone(UPGRADE),
  };
  random.pick(PLACES.slice(0, 7))(handshake, tokens[0]);
  for (let left = random.below(4); left > 0; left--) {
    if (handshake.headers.length > 0) random.pick(CHANGES)(random, handshake, tokens);
  }
  return handshake;
}
