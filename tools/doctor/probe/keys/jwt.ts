import { decodeJwt, decodeProtectedHeader, type JWTPayload } from "jose";

/** A JWT taken apart, and nothing of it verified. */
export interface Decoded {
  header: { alg?: string; kid?: string };
  claims: JWTPayload & { role?: unknown; ref?: unknown };
}

/** Undefined for what is no JWT. */
export function decode(token: string): Decoded | undefined {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/** The claims alone, also below a header that cannot be read; undefined for what has none. */
export function claimsOf(token: string): Decoded["claims"] | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** A time of a claim, to the minute; the number itself where it is past what a date holds. */
export function when(seconds: number): string {
  const date = new Date(seconds * 1000);
  return isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(0, 16) + "Z";
}
