import type { Identity } from "./authenticate.ts";
import type { Config, Policy } from "./config.ts";
import type { Credential } from "./credential.ts";
import { RelayError } from "./errors.ts";
import { isSecretKey } from "./keys.ts";

/** Throws unless a page of this origin may use the relay; programs send none. */
export function authorizeOrigin(origin: string | null, config: Config): void {
  if (origin === null ? config.absentOrigin === "allow" : isAllowedOrigin(origin, config)) return;
  throw new RelayError("origin_forbidden", "Pages of this origin may not use the relay.");
}

/** True if the origin is on the list: exact, or one or more labels below `https://*.example.com`. */
export function isAllowedOrigin(origin: string, config: Config): boolean {
  return config.origins.some((allowed) => {
    if (allowed === "*" || allowed === origin) return true;
    const [scheme, domain] = allowed.split("*");
    return domain !== undefined && origin.startsWith(scheme) && origin.endsWith(domain) &&
      /^[a-z0-9.-]+$/.test(origin.slice(scheme.length, -domain.length));
  });
}

/** Throws `anonymous_refused` where a public key alone does not let a viewer in. */
export function authorizeCredential(credential: Credential, config: Config): void {
  if (credential.kind === "token" || config.anonymous === "allow") return;
  throw new RelayError("anonymous_refused", "The relay lets in signed-in users only.");
}

/**
 * Throws `secret_key` for a key that must never be in a browser. A service_role token passes where
 * RELAY_ROLES names that role; an `sb_secret_` key never does.
 */
export function authorizeKey(key: string, config: Config): void {
  if (!isSecretKey(key)) return;
  if (!key.startsWith("sb_") && config.roles.includes("service_role")) return;
  throw new RelayError("secret_key", "A secret key or a service_role token was sent.");
}

/** Throws unless tokens of this role are accepted. */
export function authorizeRole(role: string, config: Config): void {
  if (config.roles.includes(role) || config.roles.includes("*")) return;
  throw new RelayError("role_forbidden", "The token's role is not accepted.");
}

/**
 * Throws unless the identity may join this topic with this config. A join without a config is the
 * legacy form, which subscribes whole schemas: where tables are limited it is refused.
 */
export function authorizeJoin(
  identity: Identity,
  topic: string,
  joinConfig: unknown,
  joined: ReadonlySet<string>,
  config: Config,
): void {
  if (joined.size >= config.maxJoins && !joined.has(topic)) {
    const message = `The socket has joined ${config.maxJoins} topics already.`;
    throw new RelayError("too_many_joins", message);
  }
  const policy = policyOf(identity, config);
  authorizeTopic(topic, policy);
  const { private: isPrivate, postgres_changes } = asObject(joinConfig);
  if (policy.privateOnly && isPrivate !== true) throw privateOnly();
  if (policy.tables) authorizeTables(joinConfig, postgres_changes, policy.tables);
}

/** Throws unless the identity may broadcast and track on this topic. */
export function authorizePush(identity: Identity, topic: string, config: Config): void {
  const policy = policyOf(identity, config);
  if (policy.readOnly) throw new RelayError("read_only", "This role may not send.");
  authorizeTopic(topic, policy);
}

/** Throws unless the identity may send an HTTP broadcast to this topic, which has no prefix there. */
export function authorizeBroadcast(
  identity: Identity,
  topic: string,
  isPrivate: boolean,
  config: Config,
): void {
  authorizePush(identity, `realtime:${topic}`, config);
  if (policyOf(identity, config).privateOnly && !isPrivate) throw privateOnly();
}

function policyOf(identity: Identity, { policy }: Config): Policy {
  const role = identity.kind === "anonymous" ? "anon" : identity.role;
  if (Object.hasOwn(policy, role)) return policy[role];
  return Object.hasOwn(policy, "*") ? policy["*"] : {};
}

function authorizeTopic(topic: string, { topics }: Policy): void {
  if (!topics) return;
  const name = topic.replace(/^realtime:/, "");
  if (topics.some((pattern) => covers(pattern, name))) return;
  throw new RelayError("topic_forbidden", "This role may not use this topic.");
}

/** A wildcard subscribes all that it covers, so the list must cover all of that. */
function authorizeTables(joinConfig: unknown, changes: unknown, tables: readonly string[]): void {
  const isObject = typeof joinConfig === "object" && joinConfig !== null;
  const bindings = isObject && !Array.isArray(joinConfig) ? changes ?? [] : undefined;
  const allowed = Array.isArray(bindings) && bindings.every((binding) => {
    const { schema, table = "*" } = asObject(binding);
    if (typeof schema !== "string" || typeof table !== "string") return false;
    // A dot in a schema's name would make the two names ambiguous.
    if (schema.includes(".")) return false;
    return tables.some((pattern) => covers(pattern, schema === "*" ? "*" : `${schema}.${table}`));
  });
  if (allowed) return;
  throw new RelayError("table_forbidden", "This role may not subscribe to these tables.");
}

/** Exact, or everything that begins as the pattern does before its trailing `*`. */
function covers(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function privateOnly(): RelayError {
  return new RelayError("private_only", "This role may use private channels only.");
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
