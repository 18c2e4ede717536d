/** What a transport reads of a token: whose it is and how fresh. Verifying is the relay's business. */

/** The user; null for a key, an anonymous token, or none. */
export function userOf(token: unknown): string | null {
  const { sub } = claimsOf(token);
  return typeof sub === "string" ? sub : null;
}

/** Milliseconds since the epoch; undefined where the token tells none. */
export function expiryOf(token: unknown): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : undefined;
}

/** True where `token` names a user and does not expire before `other`. */
export function isAtLeastAsFresh(token: unknown, other: unknown): boolean {
  if (userOf(token) === null) return false;
  return (expiryOf(token) ?? Infinity) >= (expiryOf(other) ?? 0);
}

function claimsOf(token: unknown): Record<string, unknown> {
  try {
    const part = String(token).split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(
      new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))),
    );
  } catch {
    return {}; // A publishable key, or not a JWT.
  }
}
