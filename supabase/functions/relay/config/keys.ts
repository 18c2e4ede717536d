import { readPart } from "./jwt.ts";

/** How the keys begin that open everything. */
const SECRET = "sb_secret_";

/**
 * True for a key that must never be in a browser: `sb_secret_...`, or a JWT with one of the
 * platform's own roles. The signature does not matter: a forged one is refused as well.
 */
export function isSecretKey(key: string): boolean {
  return isOpaqueSecret(key) || platformRoleOf(key) !== undefined;
}

/** True for `sb_secret_...`, whatever stands before it. */
export function isOpaqueSecret(key: string): boolean {
  return key.includes(SECRET);
}

/** True for three parts, the second of which may be claims with a role: `{"role":"x"}` in base64. */
export function isTokenLike(text: string): boolean {
  const [, claims, ...rest] = text.split(".");
  return rest.length === 1 && claims.length >= 16;
}

/** The claim `role` of a JWT, as it is written there, where it is one of the platform's own. */
export function platformRoleOf(token: string): string | undefined {
  if (!isTokenLike(token)) return undefined;
  const claims = token.slice(token.indexOf(".") + 1, token.lastIndexOf("."));
  if (roles.has(claims)) return roles.get(claims);
  const role = readPlatformRole(claims);
  if (claims.length > MAX_KNOWN_LENGTH) return role;
  if (roles.size >= MAX_KNOWN) roles.delete(roles.keys().next().value!);
  roles.set(claims, role);
  return role;
}

/** By the text of the claims: one token is met several times in a request, and in the next one. */
const roles = new Map<string, string | undefined>();

/** At most 1 MB. */
const MAX_KNOWN = 512;
const MAX_KNOWN_LENGTH = 2_048;

function readPlatformRole(claims: string): string | undefined {
  try {
    const { role } = readPart(claims);
    return typeof role === "string" && isPlatformRole(role) ? role : undefined;
  } catch {
    return undefined; // Not a JWT: whoever verifies it says so.
  }
}

/**
 * Roles that pass row level security by, or that the platform works as. `pg_` is PostgreSQL's own
 * prefix; `none` is no role but gives the connection's own back; a number is the role of that OID.
 */
const PLATFORM_ROLES = new RegExp(
  [
    "^(?:service_role|postgres|authenticator|dashboard_user|pgbouncer|none|\\d+)$",
    "^(?:supabase|pg|pgsodium|pgtle|cli_login)_",
  ].join("|"),
);

/**
 * True for a role of the platform. Realtime casts the claim to `regrole`, which reads a name as SQL
 * does: blanks around it, quotes and capitals make no other role of it.
 */
export function isPlatformRole(role: string): boolean {
  return PLATFORM_ROLES.test(role.replaceAll('"', "").trim().toLowerCase());
}

/**
 * The one of `known` that equals `key`, compared in a time that does not depend on where they differ.
 * To be kept in place of `key`, which is memory of its own.
 */
export function oneOf(known: readonly string[], key: string): string | undefined {
  let found: string | undefined;
  for (const candidate of known) if (equal(key, candidate)) found = candidate;
  return found;
}

function equal(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
