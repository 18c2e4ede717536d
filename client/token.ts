/** What a transport reads of a token: whose it is and how fresh. Verifying is the relay's business. */

/** The user; null for a key, an anonymous token, or none. */
export function userOf(token: unknown): string | null {
  const { sub } = claimsOf(token);
  return typeof sub === "string" ? sub : null;
}

/** Milliseconds since the epoch; Infinity where the token tells none. */
export function expiryOf(token: unknown): number {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : Infinity;
}

/** True where `token` names a user and does not expire before `other`. */
export const isAtLeastAsFresh = (token: unknown, other: unknown): boolean =>
  userOf(token) !== null && (userOf(other) === null || expiryOf(token) >= expiryOf(other));

function claimsOf(token: unknown): Record<string, unknown> {
  try {
    const part = String(token).split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(part));
  } catch {
    return {}; // A publishable key, or not a JWT.
  }
}

/** The close code of a token that is not let in, and the relay's own words for an old one. */
export const UNAUTHORIZED = 4401;
export const EXPIRED = "token_expired: Refresh the session, then connect with the new token.";
