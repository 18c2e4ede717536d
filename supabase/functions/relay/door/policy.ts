import type { Config, Policy } from "../config/config.ts";
import { type Code, RelayError, toRelayError } from "../errors.ts";
import type { Identity } from "./identity.ts";

/**
 * Throws unless the identity may join this topic with this config. A join without a config is the
 * legacy form, which subscribes whole schemas: where tables are limited it is refused.
 */
export function authorizeJoin(
  identity: Identity,
  topic: string,
  joinConfig: unknown,
  joined: Pick<ReadonlySet<string>, "size" | "has">,
  config: Config,
): void {
  if (joined.size >= config.maxJoins && !joined.has(topic)) {
    const message = `The socket has joined ${config.maxJoins} topics already.`;
    throw new RelayError("too_many_joins", message);
  }
  authorizeChannel(topic, joinConfig, policyOf(identity, config));
}

/** By role, as `RELAY_POLICY` names them: why its policy refuses a channel. */
export type Refusals = ReadonlyMap<string, Code>;

/**
 * What is to be kept of a channel, so that it can be judged again when its socket's role has changed:
 * no more than a code for each policy, whatever was joined. Undefined where every policy allows it.
 */
export function refusalsOf(
  topic: string,
  joinConfig: unknown,
  { policy }: Config,
): Refusals | undefined {
  const refusals = new Map<string, Code>();
  for (const [role, rights] of Object.entries(policy)) {
    try {
      authorizeChannel(topic, joinConfig, rights);
    } catch (error) {
      refusals.set(role, toRelayError(error).code);
    }
  }
  return refusals.size > 0 ? refusals : undefined;
}

/** Why the identity may not have a channel with these refusals any more; undefined where it may. */
export function refusalFor(
  identity: Identity,
  refusals: Refusals | undefined,
  config: Config,
): RelayError | undefined {
  const code = refusals?.get(roleIn(config, identity) ?? "");
  return code && new RelayError(code, "This role may not have a channel that was joined before.");
}

function authorizeChannel(topic: string, joinConfig: unknown, policy: Policy): void {
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

function policyOf(identity: Identity, config: Config): Policy {
  const role = roleIn(config, identity);
  return role === undefined ? {} : config.policy[role];
}

/** The name of the policy that holds for the identity, if one does. */
function roleIn({ policy }: Config, identity: Identity): string | undefined {
  const role = identity.kind === "anonymous" ? "anon" : identity.role;
  return [role, "*"].find((name) => Object.hasOwn(policy, name));
}

function authorizeTopic(topic: string, { topics }: Policy): void {
  if (!topics) return;
  const name = topic.replace(/^realtime:/, "");
  if (topics.some((pattern) => covers(pattern, name))) return;
  throw new RelayError("topic_forbidden", "This role may not use this topic.");
}

/** Signs of LIKE that are no part of a table's name. */
const WILD = /[%\\]/;

/** A wildcard subscribes all that it covers, so the list must cover all of that. */
function authorizeTables(joinConfig: unknown, changes: unknown, tables: readonly string[]): void {
  const isObject = typeof joinConfig === "object" && joinConfig !== null;
  const bindings = isObject && !Array.isArray(joinConfig) ? changes ?? [] : undefined;
  const allowed = Array.isArray(bindings) && bindings.every((binding) => {
    const { schema, table = "*" } = asObject(binding);
    if (typeof schema !== "string" || typeof table !== "string") return false;
    // A dot in a schema's name would make the two names ambiguous.
    if (schema.includes(".") || WILD.test(schema) || WILD.test(table)) return false;
    const name = schema === "*" ? "*" : `${schema}.${table}`;
    return tables.some((pattern) => coversAllLike(pattern, name));
  });
  if (allowed) return;
  throw new RelayError("table_forbidden", "This role may not subscribe to these tables.");
}

/**
 * Whether this pattern allows all that Realtime subscribes for a name. It looks schemas and tables up
 * by LIKE, where `_` is any character: before the star of a pattern there may be none. A table that is
 * listed exactly is what was meant; which others that may let in, SECURITY.md says.
 */
function coversAllLike(pattern: string, name: string): boolean {
  return covers(pattern, name) && !(pattern.endsWith("*") && pattern.includes("_"));
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
