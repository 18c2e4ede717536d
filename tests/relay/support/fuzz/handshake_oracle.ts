/** Which handshakes may make the relay dial, read from docs/PROTOCOL.md and not from the relay. */
import { Buffer } from "node:buffer";
import type { Handshake } from "./handshakes.ts";

/** What the relay was configured with. */
export interface Rules {
  /** The only tokens that somebody may get in with. */
  good: ReadonlySet<string>;
  publicKeys: ReadonlySet<string>;
  /** Origins whole, and the ends of those below a wildcard. */
  origins: readonly string[];
  originsBelow: readonly string[];
}

/** Longer lists, headers and queries are refused. */
const MAX_PROTOCOLS = 16;
const MAX_LENGTH = 16_384;
const MAX_CONNECTION = 1_024;

/** Headers in which a key may stand. */
const KEY_HEADERS = [
  ...["authorization", "proxy-authorization", "sec-websocket-protocol"],
  ...["apikey", "api-key", "x-api-key", "sb-api-key"],
];

/** How Phoenix's own client writes a token as a subprotocol. */
const PHOENIX = "base64url.bearer.phx.";

export function mayDial(handshake: Handshake, rules: Rules): boolean {
  const url = URL.parse(`http://${handshake.host}${handshake.target}`);
  const headers = new Headers(handshake.headers);
  return url !== null && isUpgrade(handshake.method, headers) && isServed(url) &&
    isFrom(headers.get("origin"), rules) && hasGoodToken(url, headers, rules);
}

function isUpgrade(method: string, headers: Headers): boolean {
  const has = (name: string) => (headers.get(name) ?? "").toLowerCase();
  return method === "GET" && has("upgrade") === "websocket" && has("sec-websocket-key") !== "" &&
    has("sec-websocket-version") === "13" &&
    has("connection").length <= MAX_CONNECTION &&
    /(^|,)[\t ]*upgrade[\t ]*(,|$)/.test(has("connection"));
}

function isServed({ pathname, searchParams }: URL): boolean {
  const parts = pathname.replace(/\/$/, "").split("/");
  if (parts.at(-1) === "websocket") parts.pop();
  const vsn = searchParams.get("vsn") ?? "";
  return parts.length > 1 && parts.at(-1) === "relay" && ["", "1.0.0", "2.0.0"].includes(vsn);
}

function isFrom(origin: string | null, { origins, originsBelow }: Rules): boolean {
  if (origin === null || origins.includes(origin)) return true;
  return originsBelow.some((end) => {
    const label = origin.slice("https://".length, -end.length);
    return origin === `https://${label}${end}` && /^[a-z0-9.-]+$/.test(label);
  });
}

function hasGoodToken(url: URL, headers: Headers, { good, publicKeys }: Rules): boolean {
  const tokens = url.searchParams.getAll("jwt");
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(",")
    .map((name) => name.trim()).filter((name) => name !== "");
  const values = KEY_HEADERS.map((name) => headers.get(name) ?? "");
  if (protocols.length > MAX_PROTOCOLS) return false;
  if ([url.search, ...values].some(({ length }) => length > MAX_LENGTH)) return false;
  if (holdsSecret([...url.searchParams, ...values, url.pathname].flat())) return false;
  for (const name of protocols) {
    if (name.startsWith("jwt-")) tokens.push(name.slice(4));
    if (!name.startsWith(PHOENIX)) continue;
    const base64 = name.slice(PHOENIX.length);
    const bytes = Buffer.from(base64, "base64url");
    if (!isBase64(base64, /^[\w+/-]*$/)) return false;
    tokens.push(bytes.toString("latin1"));
    if (holdsSecret([bytes.toString("latin1")])) return false;
  }
  const [scheme, ...rest] = (headers.get("authorization") ?? "").split(/\s/);
  const bearer = rest.join(" ").trim();
  const isKey = publicKeys.has(bearer) || bearer.startsWith("sb_");
  if (scheme.toLowerCase() === "bearer" && bearer && !isKey) tokens.push(bearer);
  const apikeys = [...url.searchParams.getAll("apikey"), headers.get("apikey") ?? ""]
    .filter((key) => key.trim() !== "");
  const users = (tokens.length > 0 ? tokens : apikeys).map((it) => it.trim())
    .filter((it) => !publicKeys.has(it));
  return users.length > 0 && users.every((it) => it === users[0] && good.has(it));
}

/** With or without its padding; decoders pass over white space in it. */
function isBase64(text: string, alphabet: RegExp): boolean {
  const data = text.replace(/[\t\n\f\r ]/g, "");
  const bare = data.length % 4 === 0 ? data.replace(/={1,2}$/, "") : data;
  return alphabet.test(bare) && bare.length % 4 !== 1;
}

/** A secret key is refused wherever it stands, whatever stands around it. */
function holdsSecret(texts: string[]): boolean {
  return texts.some((text) => text.includes("sb_secret_") || text.split(/[^\w.-]/).some(isSecret));
}

/** Whether claims of the platform's stand between two dots, as in a token, whatever stands around that. */
const isSecret = (word: string): boolean => word.split(".").slice(1, -1).some(areClaimsOfService);

function areClaimsOfService(text: string): boolean {
  if (!isBase64(text, /^[\w-]*$/)) return false;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString()).role === "service_role";
  } catch {
    return false;
  }
}
