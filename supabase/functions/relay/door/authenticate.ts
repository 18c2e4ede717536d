import { createAskAuthServer } from "./verify/ask_auth_server.ts";
import { authorizeKey, authorizeRole } from "./authorize.ts";
import type { Config } from "../config/config.ts";
import type { Credential, Identity } from "./identity.ts";
import { createPublicKeys, verify } from "./verify/signature.ts";
import { createIssuerKeys } from "./verify/issuer.ts";
import { createSecret } from "./verify/secret.ts";
import { ASYMMETRIC, checkExpiry, MAX_TOKEN_LENGTH, readToken } from "./token.ts";
import { Verified } from "./verify/verified.ts";

/** How tokens are checked, in words, for /health and the GET verdict. */
export interface Checks {
  hs256: "secret" | "auth server";
  asymmetric: string;
  /** Whose tokens are accepted beside the project's. */
  issuers?: string[];
}

export interface Authenticator {
  /** Verifies a credential. Throws a RelayError with a `token_…` or `auth_…` code. */
  authenticate(credential: Credential): Promise<Identity>;
  readonly checks: Checks;
}

/** Verifies tokens against the project's keys: its secret, its JWK set, or its Auth server. */
export function createAuthenticator(
  config: Config,
  fetch: typeof globalThis.fetch,
  now: () => number,
): Authenticator {
  const secret = config.jwtSecret ? createSecret(config.jwtSecret) : undefined;
  const verified = new Verified(now);
  const forget = () => verified.clear();
  const publicKeys = createPublicKeys(config, fetch, now, forget);
  const issuerKeys = new Map(
    config.otherIssuers.map((issuer) => [issuer, createIssuerKeys(issuer, fetch, now, forget)]),
  );
  const ask = createAskAuthServer(config, fetch, now);
  return {
    checks: {
      hs256: secret ? "secret" : "auth server",
      asymmetric: config.jwks ? "SUPABASE_JWKS, then the project's JWKS" : "the project's JWKS",
      ...(issuerKeys.size > 0 && { issuers: config.otherIssuers.map(({ issuer }) => issuer) }),
    },
    async authenticate(credential) {
      if (credential.kind === "anonymous") return credential;
      const { token } = credential;
      const slot = token.length <= MAX_TOKEN_LENGTH ? verified.slotOf(token) : undefined;
      const known = slot?.user();
      if (known) return known;
      authorizeKey(token, config);
      const { alg, user, issuer } = readToken(token, config, now());
      authorizeRole(user.role, config);
      if (alg !== "HS256") {
        const keys = issuer ? issuerKeys.get(issuer)! : publicKeys;
        await verify(token, keys, ASYMMETRIC);
        slot?.keep(user, keys.freshUntil());
      } else if (secret) {
        await verify(token, secret, ["HS256"]);
        slot?.keep(user);
      } else await ask(token, user);
      // It may have ended meanwhile.
      checkExpiry(user.expiresAt, now() / 1000);
      return user;
    },
  };
}
