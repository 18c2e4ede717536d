import type { Jwks } from "./jwks.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

/** The project's own secret, as the key of its HS256 tokens; made with the first of them. */
export function createSecret(secret: string): Pick<Jwks, "find"> {
  let key: Promise<CryptoKey> | undefined;
  const bytes = new TextEncoder().encode(secret);
  return {
    find: () => key ??= crypto.subtle.importKey("raw", bytes, ALGORITHM, false, ["verify"]),
  };
}
