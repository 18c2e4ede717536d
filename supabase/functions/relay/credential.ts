import { authorizeKey } from "./authorize.ts";
import type { Config } from "./config.ts";
import { RelayError } from "./errors.ts";
import { isSecretKey, oneOf } from "./keys.ts";

/** Who the client says it is, before anything was verified. */
export type Credential = { kind: "token"; token: string } | Anonymous;

/** Who brought a public key of the project, and which. */
export interface Anonymous {
  kind: "anonymous";
  key?: string;
}

/** Who negotiates this name understands the notices of the relay. */
export const NOTICES = "realtime-relay.v1";

/** Subprotocols that are answered by name, so that no token lands in a response header. */
const PUBLIC_PROTOCOLS = [NOTICES, "phoenix"];

/** Our own token entry, and the one of phoenix.js (`authToken`). */
const TOKEN_ENTRY = "jwt-";
const PHOENIX_ENTRY = "base64url.bearer.phx.";

/** No header of a browser or a gateway is longer; larger lists are not looked at. */
const MAX_PROTOCOLS = 16;

/** The subprotocols that the client offers (RFC 6455, 4.1), with or without spaces after commas. */
export function offeredProtocols(headers: Headers): string[] {
  const header = headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((entry) => entry.trim()).filter(Boolean).slice(0, MAX_PROTOCOLS);
}

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
 * a key is unknown, and for a secret key in any place. It verifies nothing else.
 */
export function readCredential(url: URL, headers: Headers, config: Config): Credential {
  const tokens = [
    ...offeredProtocols(headers).flatMap(tokenOfProtocol),
    ...tokenOfAuthorization(headers, config),
    ...url.searchParams.getAll("jwt"),
  ].map((token) => token.trim());
  const apikeys = [...url.searchParams.getAll("apikey"), headers.get("apikey") ?? ""]
    .map((key) => key.trim()).filter(Boolean);
  for (const key of [...tokens, ...apikeys, headers.get("x-api-key") ?? ""]) {
    authorizeKey(key, config);
  }
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

function tokenOfProtocol(entry: string): string[] {
  if (entry.startsWith(TOKEN_ENTRY)) return [entry.slice(TOKEN_ENTRY.length)];
  if (!entry.startsWith(PHOENIX_ENTRY)) return [];
  const base64 = entry.slice(PHOENIX_ENTRY.length).replaceAll("-", "+")
    .replaceAll("_", "/");
  try {
    return [atob(base64)];
  } catch {
    throw new RelayError("token_malformed", "The phoenix token entry is not base64.");
  }
}

/**
 * Gateways add Authorization headers of their own: one that is empty, not Bearer, or holds a key
 * instead of a token says nothing about the user. A secret key is passed on, to be refused.
 */
function tokenOfAuthorization(headers: Headers, config: Config): string[] {
  const match = /^bearer\s+(.+)$/i.exec(headers.get("authorization") ?? "");
  const token = match?.[1].trim();
  if (!token || oneOf(config.publicKeys, token)) return [];
  return token.startsWith("sb_") && !isSecretKey(token) ? [] : [token];
}
