import type { Config } from "../config/config.ts";
import type { Credential } from "./identity.ts";
import { RelayError } from "../errors.ts";
import { isOpaqueSecret, isPlatformRole, oneOf, platformRoleOf } from "../config/keys.ts";
import { isListed, normalOrigin } from "../config/origin.ts";
import { NOT_FOUND } from "./route.ts";

/**
 * Throws unless a page of this origin may use the relay; programs send none. `ownHosts` are those by
 * which the relay itself is reached: React Native sends the origin of where it connects to.
 */
export function authorizeOrigin(
  origin: string | null,
  config: Config,
  ownHosts: () => string[] = () => [],
): void {
  if (origin === null ? config.absentOrigin === "allow" : isListed(origin, config.origins)) return;
  const normal = normalOrigin(origin ?? "");
  if (normal !== undefined && config.ownOrigin === "allow" && isOwn(normal, ownHosts())) return;
  const got = origin === null ? "none" : normal ?? "a value that is no origin";
  throw new RelayError("origin_forbidden", `This origin may not use the relay: got ${got}.`);
}

function isOwn(origin: string, hosts: string[]): boolean {
  const [scheme] = origin.split(":", 1);
  return hosts.some((host) => normalOrigin(`${scheme}://${host}`) === origin);
}

/**
 * Throws `anonymous_refused` where a public key alone does not let a viewer in. `mayWait` where a
 * user's token may follow.
 */
export function authorizeCredential(
  { kind }: Credential,
  { anonymous }: Config,
  mayWait: boolean,
): void {
  if (kind === "token" || anonymous === "allow" || (anonymous === "join" && mayWait)) return;
  throw new RelayError("anonymous_refused", "The relay lets in signed-in users only.");
}

/**
 * Throws `secret_key` for a key that must never be in a browser. A token with one of the platform's
 * own roles passes where RELAY_ROLES names that role; an `sb_secret_` key never does.
 */
export function authorizeKey(key: string, config: Config): void {
  const role = platformRoleOf(key);
  if (isOpaqueSecret(key) || role !== undefined && !config.roles.includes(role)) {
    throw new RelayError("secret_key", "A secret key, or a token of a platform role, was sent.");
  }
}

/** Throws unless tokens of this role are accepted; `*` is every role but the platform's own. */
export function authorizeRole(role: string, config: Config): void {
  if (config.roles.includes(role)) return;
  if (config.roles.includes("*") && !isPlatformRole(role)) return;
  throw new RelayError("role_forbidden", "The token's role is not accepted.");
}

/** Throws `not_found` unless the token of the metrics was sent, and there is one: nobody else sees them. */
export function authorizeMetrics(headers: Headers, { metricsToken }: Config): void {
  const [, token = ""] = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  if (metricsToken !== undefined && oneOf([metricsToken], token) !== undefined) return;
  throw new RelayError("not_found", NOT_FOUND);
}
