import type { JSONWebKeySet } from "jose";
import { isSecretKey } from "./keys.ts";
import { asList, asObject, must } from "./setting.ts";

/** What a role may do beyond what row level security decides. */
export interface Policy {
  /** Topics without `realtime:`, exact or with a trailing `*`. Default: all. */
  topics?: readonly string[];
  /** Tables as `schema.table`, exact or with a trailing `*`. Default: all. */
  tables?: readonly string[];
  /** May receive, may neither broadcast nor track. Default: false. */
  readOnly?: boolean;
  /** May join private channels alone. Default: false. */
  privateOnly?: boolean;
}

/** Who signs tokens with keys of its own: Clerk, Firebase, Auth0, Cognito, WorkOS, a company's. */
export interface Issuer {
  /** Claim `iss`, exactly. */
  issuer: string;
  /** Accepted `aud`; `any`, which has to be written, since shared issuers sign for other apps too. */
  audience: "any" | readonly string[];
  /** Where its keys are. Default: where its discovery document says. */
  jwks?: string;
  /** Accepted `role`. Default: anon and authenticated. */
  roles: readonly string[];
}

/** A key that may be in a browser. */
export function publicKey(text: string): string {
  must(!isSecretKey(text));
  return text;
}

/** A JSON map of public keys. */
export function publicKeys(text: string): Record<string, string> {
  const keys = asObject(JSON.parse(text));
  for (const key of Object.values(keys)) publicKey(asText(key));
  return keys as Record<string, string>;
}

/** A JWK set, or the list of its keys. */
export function keySet(text: string): JSONWebKeySet {
  const value = JSON.parse(text);
  const set = Array.isArray(value) ? { keys: value } : asObject(value);
  for (const key of asList(set.keys)) asText(asObject(key).kty);
  return set as unknown as JSONWebKeySet;
}

/** By role, what it may do. */
export function policy(text: string): Record<string, Policy> {
  const policies = asObject(JSON.parse(text));
  for (const rights of Object.values(policies)) {
    for (const [name, value] of Object.entries(asObject(rights))) {
      must(Object.hasOwn(RIGHTS, name));
      RIGHTS[name](value);
    }
  }
  return policies as Record<string, Policy>;
}

/** True for a URL by https, and on this machine by http. */
export function isTrusted(text: string): boolean {
  const { protocol, hostname } = URL.parse(text) ?? {};
  return protocol === "https:" || protocol === "http:" && LOOPBACK.test(hostname!);
}
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whose tokens are accepted beside the project's: each issuer once, by https. */
export function issuers(text: string): Issuer[] {
  const list = asList(JSON.parse(text)).map(issuer);
  must(new Set(list.map(({ issuer }) => issuer)).size === list.length);
  return list;
}

function issuer(value: unknown): Issuer {
  const { issuer, audience, jwks, roles = ["anon", "authenticated"], ...others } = asObject(value);
  must(Object.keys(others).length === 0);
  const given = typeof audience === "string" ? audience : names(audience);
  must(given.length > 0);
  return {
    issuer: trustedUrl(issuer),
    audience: given === "any" || typeof given !== "string" ? given : [given],
    ...(jwks !== undefined && { jwks: trustedUrl(jwks) }),
    roles: names(roles),
  };
}

/** What comes over a network without https anybody may have written. */
function trustedUrl(value: unknown): string {
  const url = asText(value).trim();
  must(isTrusted(url));
  return url;
}

/** At least one, none of them empty. */
function names(value: unknown): string[] {
  const list = asList(value).map(asText);
  must(list.length > 0 && !list.includes(""));
  return list;
}

const RIGHTS: Record<string, (value: unknown) => void> = {
  topics: patterns,
  tables: patterns,
  readOnly: yesOrNo,
  privateOnly: yesOrNo,
};

/** Exact names, or with a `*` at the end. */
function patterns(value: unknown): void {
  for (const pattern of asList(value)) must(/^[^*]*\*?$/.test(asText(pattern)) && pattern !== "");
}

function yesOrNo(value: unknown): void {
  must(typeof value === "boolean");
}

function asText(value: unknown): string {
  must(typeof value === "string");
  return value;
}
