import { isTokenLike } from "../config/keys.ts";
import { headerOf, targetOf } from "./header.ts";

/** Our own token entry, and the one of phoenix.js (`authToken`). */
export const TOKEN_ENTRY = "jwt-";
export const PHOENIX_ENTRY = "base64url.bearer.phx.";

/** No browser or gateway offers more; a token further down would count for one and not for another. */
export const MAX_PROTOCOLS = 16;

/** Headers in which clients and gateways of Supabase carry keys, or might. */
const HEADERS = [
  ...["sec-websocket-protocol", "authorization", "proxy-authorization"],
  ...["apikey", "api-key", "x-api-key", "sb-api-key"],
];

/**
 * What a key or a token is made of, so that whatever stands around it does not hide it. The shortest
 * is `sb_secret_` alone.
 */
const WORDS = /[\w.-]{10,}/g;

/** The subprotocols that the client offers (RFC 6455, 4.1), with or without spaces after commas. */
export function offeredProtocols(headers: Headers): string[] {
  return headerOf(headers, "sec-websocket-protocol").split(",").map((entry) => entry.trim())
    .filter(Boolean);
}

/** The token of a subprotocol of phoenix.js; undefined where it is not base64. */
export function phoenixToken(entry: string): string | undefined {
  return decodeBase64(entry.slice(PHOENIX_ENTRY.length));
}

/**
 * Every word of a request that may be a credential, whether one is looked for there or not: of
 * headers, subprotocols, the names and values of the query, and the path; and of what is written in
 * base64, decoded; `offered` are the subprotocols. Throws `bad_request` for what is longer than any
 * of them may be.
 */
export function wordsOf(
  url: URL,
  headers: Headers,
  offered: readonly string[] = offeredProtocols(headers),
): string[] {
  let text = unescaped(targetOf(url));
  const add = (more: string | undefined) => text += `\n${more ?? ""}`;
  for (const name of HEADERS) {
    const value = headerOf(headers, name);
    if (value === "") continue;
    add(value.replaceAll(PHOENIX_ENTRY, ""));
    add(basicOf(value));
  }
  for (const entry of offered.slice(0, MAX_PROTOCOLS)) {
    if (entry.startsWith(PHOENIX_ENTRY)) add(phoenixToken(entry));
  }
  return text.match(WORDS)?.flatMap(tokensIn) ?? [];
}

/** A word and, where it has more dots than a token, each three parts of it that may be one. */
function tokensIn(word: string): string[] {
  const parts = word.split(".");
  if (parts.length <= 3) return [word];
  const threes = parts.slice(2).map((last, n) => `${parts[n]}.${parts[n + 1]}.${last}`);
  return [word, ...threes.filter(isTokenLike)];
}

/**
 * Letters of ASCII, of which keys are made, also where their escapes were escaped again:
 * decodeURIComponent() throws for each that is none, and to walk through URLSearchParams takes longer
 * than all else here.
 */
const ESCAPED = /%(?:25)*([2-7][\da-f])/gi;

const unescape = (_: string, code: string): string => String.fromCharCode(parseInt(code, 16));

/** The text with the escapes of such letters undone. */
export const unescaped = (text: string): string => text.replace(ESCAPED, unescape);

/** `Basic` hides a user and a password, either of which may be a key. */
function basicOf(value: string): string | undefined {
  return /^basic\s/i.test(value) ? decodeBase64(value.slice("basic ".length)) : undefined;
}

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
}
