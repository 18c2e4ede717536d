/** What a transport reads of a token: whose it is and how fresh. Verifying is the server's business. */

/** The user; null for a key, an anonymous token, or none. */
export function userOf(token: unknown): string | null {
  const { sub } = claimsOf(token);
  return typeof sub === "string" ? sub : null;
}

/** Milliseconds since the epoch by the issuer's clock; Infinity where the token tells none. */
export function expiryOf(token: unknown): number {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : Infinity;
}

/** True where `token` names a user and does not expire before `other`. */
export const isAtLeastAsFresh = (token: unknown, other: unknown): boolean =>
  userOf(token) !== null &&
  (userOf(other) === null || expiryOf(token) >= expiryOf(other));

/** True for what a header may carry; a blank within it is somebody's mistake, and no token. */
export const isWellFormed = (token: string): boolean => /^[\w.~+!#$%&'*^`|-]+$/.test(token);

function claimsOf(token: unknown): Record<string, unknown> {
  try {
    const part = String(token).split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(part));
  } catch {
    return {}; // A publishable key, or not a JWT.
  }
}
