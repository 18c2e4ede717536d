import type { Issuer } from "../../config/config.ts";
import { isTrusted } from "../../config/json_settings.ts";
import { RelayError } from "../../errors.ts";
import { ask, type Reply } from "./ask.ts";
import { createJwks, type Jwks } from "./jwks.ts";

/**
 * The keys of another issuer: of the configured JWKS, of the one that its discovery document names
 * (OpenID Connect Discovery 1.0, 4), or, where it has no such document, of /.well-known/jwks.json.
 * Cached and renewed as the project's are, each issuer's on its own. Throws as createJwks() does.
 */
export function createIssuerKeys(
  issuer: Issuer,
  fetch: typeof globalThis.fetch,
  now: () => number,
  onRead: () => void,
): Jwks {
  return createJwks(() => askKeys(issuer, fetch), `The JWKS of ${issuer.issuer}`, now, onRead);
}

async function askKeys({ issuer, jwks }: Issuer, fetch: typeof globalThis.fetch): Promise<Reply> {
  const get = (url: string) =>
    ask({ url: new URL(url), headers: new Headers(), whom: `The issuer ${issuer}` }, fetch);
  if (jwks !== undefined) return await get(jwks);
  const base = issuer.replace(/\/$/, "");
  const { status, body } = await get(`${base}/.well-known/openid-configuration`);
  if (status === 404) return await get(`${base}/.well-known/jwks.json`);
  return await get(jwksUriOf(issuer, status, body));
}

/** A document that names another issuer may be anybody's (OpenID Connect Discovery 1.0, 4.3). */
function jwksUriOf(issuer: string, status: number, body: unknown): string {
  const document = status === 200 && typeof body === "object" && body !== null
    ? body as { issuer?: unknown; jwks_uri?: unknown }
    : {};
  const { issuer: named, jwks_uri: uri } = document;
  if (named === issuer && typeof uri === "string" && isTrusted(uri)) return uri;
  throw new RelayError(
    "auth_unavailable",
    `The discovery document of ${issuer} names no keys of that issuer by https.`,
  );
}
