import { authorizeKey } from "./authorize.ts";
import type { Config } from "../config/config.ts";
import { RelayError } from "../errors.ts";
import { isTokenLike, oneOf } from "../config/keys.ts";
import { headerOf, queryOf } from "./header.ts";
import type { Credential } from "./identity.ts";
import {
  MAX_PROTOCOLS,
  offeredProtocols,
  PHOENIX_ENTRY,
  phoenixToken,
  TOKEN_ENTRY,
  wordsOf,
} from "./places.ts";

/** Who negotiates this name understands the notices of the relay. */
export const NOTICES = "realtime-relay.v1";

/** The same, and takes several frames in a message. */
export const BATCHES = "realtime-relay.v2";

/** Subprotocols that are answered by name, so that no token lands in a response header. */
const PUBLIC_PROTOCOLS = [BATCHES, NOTICES, "phoenix"];

/** Each is decoded; nobody carries more than one, in a few places. */
const MAX_TOKENS = 16;

/**
 * The subprotocol to answer: a public one if the client offered it, else the very token entry that
 * it offered, since a browser drops a socket whose server picks none; never anything else.
 */
export function answeredProtocol(offered: readonly string[]): string | undefined {
  return PUBLIC_PROTOCOLS.find((name) => offered.includes(name)) ??
    offered.find((entry) => entry.startsWith(TOKEN_ENTRY) || entry.startsWith(PHOENIX_ENTRY));
}

/**
 * Finds the credential of a request: subprotocol, Authorization, query `jwt`, and only where none
 * of these is present, `apikey`. Throws a RelayError where there is none, where there are two, where
 * a key is unknown, for a secret key in any place, and for lists and headers beyond their bounds. It
 * verifies nothing else.
 */
export function readCredential(url: URL, headers: Headers, config: Config): Credential {
  const offered = offeredProtocols(headers);
  refuseSecretKeys(wordsOf(url, headers, offered), config);
  if (offered.length > MAX_PROTOCOLS) {
    throw new RelayError("bad_request", `More than ${MAX_PROTOCOLS} subprotocols are offered.`);
  }
  const query = queryOf(url);
  const tokens = [
    ...offered.flatMap(tokenOfProtocol),
    ...tokenOfAuthorization(headers, config),
    ...query.getAll("jwt"),
  ].map((token) => token.trim());
  const apikeys = [...query.getAll("apikey"), headerOf(headers, "apikey")]
    .map((key) => key.trim()).filter(Boolean);
  const credentials = (tokens.length > 0 ? tokens : apikeys).map((text) => judge(text, config));
  const users = new Set(credentials.flatMap((it) => it.kind === "token" ? [it.token] : []));
  if (users.size > 1) {
    throw new RelayError("two_tokens", "The request carries different tokens.");
  }
  const [token] = users;
  if (token !== undefined) return { kind: "token", token };
  if (credentials.length > 0) return credentials[0];
  throw new RelayError("token_missing", "The request carries no token.");
}

/** Tells a public key of the project from a token. Throws `key_unknown` for another project's key. */
export function judge(text: string, config: Config): Credential {
  const key = oneOf(config.publicKeys, text);
  if (key !== undefined) return { kind: "anonymous", key };
  if (text.startsWith("sb_")) {
    throw new RelayError("key_unknown", "The publishable key is not one of this project's.");
  }
  return { kind: "token", token: text };
}

/** Throws `secret_key` for one among the words of a request, and `bad_request` for too many tokens. */
export function refuseSecretKeys(words: readonly string[], config: Config): void {
  let tokens = 0;
  for (const word of words) {
    if (isTokenLike(word) && ++tokens > MAX_TOKENS) {
      throw new RelayError("bad_request", `The request carries more than ${MAX_TOKENS} tokens.`);
    }
    authorizeKey(word, config);
  }
}

function tokenOfProtocol(entry: string): string[] {
  if (entry.startsWith(TOKEN_ENTRY)) return [entry.slice(TOKEN_ENTRY.length)];
  if (!entry.startsWith(PHOENIX_ENTRY)) return [];
  const token = phoenixToken(entry);
  if (token !== undefined) return [token];
  throw new RelayError("token_malformed", "The phoenix token entry is not base64.");
}

/**
 * Gateways add Authorization headers of their own: one that is empty, not Bearer, or holds a key
 * instead of a token says nothing about the user.
 */
function tokenOfAuthorization(headers: Headers, config: Config): string[] {
  const value = headerOf(headers, "authorization");
  const token = /^bearer\s/i.test(value) ? value.slice("bearer ".length).trim() : "";
  return !token || token.startsWith("sb_") || oneOf(config.publicKeys, token) ? [] : [token];
}
