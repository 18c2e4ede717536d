import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { readText } from "../../ask/read_text.ts";
import type { FindingId } from "../../findings/mod.ts";

/** Far more than a project's few keys take. */
const MAX_BYTES = 65_536;

/** Where Auth publishes the keys that a project signs with. */
const jwksUrl = (project: URL) => new URL("auth/v1/.well-known/jwks.json", project);

/** A project's public keys. Rejects where they cannot be had. */
export async function readJwks(project: URL, waitMs: number): Promise<JSONWebKeySet> {
  const { ok, text } = await readText(jwksUrl(project), { waitMs, most: MAX_BYTES });
  const set = JSON.parse(text);
  if (!ok || !Array.isArray(set?.keys)) throw new Error("What answers is no JWKS.");
  return set;
}

/** Finds the key that a JWT's header names. Rejects with what idOf() and reasonOf() read. */
export const jwksOf = (project: URL, waitMs: number): JWTVerifyGetKey => async (header, token) =>
  await createLocalJWKSet(await readJwks(project, waitMs))(header, token);

/** What a failure to verify by a JWKS or a secret is. */
export function idOf(error: unknown): FindingId {
  if (error instanceof errors.JWKSNoMatchingKey) return "jwks_kid_missing";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "key_signature";
  return "jwks_unreachable";
}

/** The same in words. */
export function reasonOf(error: unknown): string {
  return error instanceof errors.JOSEError ? error.message : "the JWKS could not be fetched";
}
