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

/** True if `key` is one of `known`, compared in a time that does not depend on where they differ. */
export function isOneOf(key: string, known: readonly string[]): boolean {
  let found = false;
  for (const candidate of known) if (equal(key, candidate)) found = true;
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
