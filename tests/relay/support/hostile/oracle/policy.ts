/** What RELAY_POLICY allows, read from docs/CONFIGURATION.md and not from the relay. */
import type { Policy } from "../world/settings.ts";
import type { ChannelConfig } from "../realtime/emission.ts";

export type Policies = Record<string, Policy>;

/** True if a role may join this topic so. */
export function mayJoin(policies: Policies, role: string, topic: string, config: ChannelConfig) {
  const { tables, privateOnly } = policyOf(policies, role);
  if (privateOnly && !config.private) return false;
  return mayUse(policies, role, topic) &&
    config.bindings.every(({ schema, table = "*" }) =>
      !tables || tables.some((it) => covers(it, `${schema}.${table}`))
    );
}

/** True if a role may send on this topic. */
export function maySend(policies: Policies, role: string, topic: string): boolean {
  return !policyOf(policies, role).readOnly && mayUse(policies, role, topic);
}

/** True if a role may send on a channel of this kind. */
export function mayUsePublic(policies: Policies, role: string): boolean {
  return !policyOf(policies, role).privateOnly;
}

function mayUse(policies: Policies, role: string, topic: string): boolean {
  const { topics } = policyOf(policies, role);
  const name = topic.replace("realtime:", "");
  return !topics || topics.some((it) => covers(it, name));
}

const policyOf = (policies: Policies, role: string): Policy =>
  policies[role] ?? policies["*"] ?? {};

function covers(pattern: string, name: string): boolean {
  const isOpen = pattern.endsWith("*");
  return isOpen ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
