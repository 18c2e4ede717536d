import { decodeJwt } from "jose";

/**
 * True for a key that must never be in a browser: `sb_secret_...`, or a JWT whose role is
 * service_role. The signature does not matter: a forged one is refused as well.
 */
export function isSecretKey(key: string): boolean {
  if (key.startsWith("sb_secret_")) return true;
  if (key.split(".").length !== 3) return false;
  try {
    return decodeJwt(key).role === "service_role";
  } catch {
    return false; // Not a JWT: whoever verifies it says so.
  }
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
