import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from "jose";
import { createAskAuthServer } from "./ask_auth_server.ts";
import { authorizeKey, authorizeRole } from "./authorize.ts";
import type { Config } from "./config.ts";
import type { Anonymous, Credential } from "./credential.ts";
import { RelayError } from "./errors.ts";

/** A signed-in user, as a verified token names them. */
export interface User {
  kind: "user";
  /** Claim `sub`; empty for a token that has none. */
  id: string;
  /** Claim `role`: the Postgres role that row level security sees. */
  role: string;
  /** Claim `exp`, in seconds since the epoch. */
  expiresAt: number;
  /** The verified token, the only one that goes upstream. */
  token: string;
}

/** Whom a socket serves. */
export type Identity = User | Anonymous;

/** How tokens are checked, in words, for /health and the GET verdict. */
export interface Checks {
  hs256: "secret" | "auth server";
  asymmetric: string;
}

export interface Authenticator {
  /** Verifies a credential. Throws a RelayError with a `token_…` or `auth_…` code. */
  authenticate(credential: Credential): Promise<Identity>;
  readonly checks: Checks;
}

/** Pinned: a key of one kind never verifies another kind's signature (RFC 8725, 3.1). */
const ASYMMETRIC = ["ES256", "RS256", "EdDSA", "Ed25519"];

/** A JWT longer than this does not fit the header line that must carry it elsewhere. */
const MAX_TOKEN_LENGTH = 8192;

/** Three parts of base64url (RFC 7515, 7.1); the last is empty where nobody signed. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** A signing key is looked up anew for an unknown kid, but not more often than this. */
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_TIMEOUT_MS = 2_000;

/** Verifies tokens against the project's keys: its secret, its JWK set, or its Auth server. */
export function createAuthenticator(
  config: Config,
  fetch: typeof globalThis.fetch,
  now: () => number,
): Authenticator {
  const secret = config.jwtSecret ? new TextEncoder().encode(config.jwtSecret) : undefined;
  const publicKeys = createPublicKeys(config, fetch);
  const ask = createAskAuthServer(config, fetch, now);
  return {
    checks: {
      hs256: secret ? "secret" : "auth server",
      asymmetric: config.jwks ? "SUPABASE_JWKS, then the project's JWKS" : "the project's JWKS",
    },
    async authenticate(credential) {
      if (credential.kind === "anonymous") return credential;
      const { token } = credential;
      authorizeKey(token, config);
      const { alg, user } = readToken(token, config, now());
      authorizeRole(user.role, config);
      if (alg === "HS256" && !secret) await ask(token, user);
      else if (alg === "HS256") await verify(token, () => secret!, ["HS256"]);
      else await verify(token, publicKeys, ASYMMETRIC);
      return user;
    },
  };
}

/**
 * Everything about a token that needs no key, checked first, so that nothing that must fail anyway
 * costs a signature check or a question to the Auth server.
 */
function readToken(token: string, config: Config, now: number): { alg: string; user: User } {
  const { alg, claims } = decode(token);
  if (alg !== "HS256" && !ASYMMETRIC.includes(alg)) {
    throw new RelayError("token_algorithm", "The token's algorithm is not accepted.");
  }
  const { sub = "", role, exp, nbf, iss } = claims;
  if (
    !role || typeof role !== "string" || typeof sub !== "string" ||
    !Number.isFinite(exp)
  ) {
    throw new RelayError("token_claims", "The token lacks a role or a numeric exp.");
  }
  if (nbf !== undefined && !(nbf * 1000 <= now)) {
    throw new RelayError("token_early", "The token's nbf lies in the future.");
  }
  if (exp! * 1000 <= now) {
    throw new RelayError("token_expired", "The token has expired.");
  }
  const audiences = [claims.aud ?? []].flat();
  if (!audiences.some((audience) => config.audiences.includes(audience))) {
    throw new RelayError("token_audience", "The token's aud is not accepted.");
  }
  if (config.issuers.length > 0 && !config.issuers.includes(iss ?? "")) {
    throw new RelayError("token_issuer", "The token's iss is not accepted.");
  }
  return { alg, user: { kind: "user", id: sub, role, expiresAt: exp!, token } };
}

function decode(token: string): { alg: string; claims: JWTPayload } {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw new RelayError("token_malformed", `The token is over ${MAX_TOKEN_LENGTH} characters.`);
  }
  try {
    // Decoders pass over spaces and padding: one token would have many spellings.
    if (!COMPACT_JWS.test(token)) throw new TypeError("not a compact JWS");
    return { alg: String(decodeProtectedHeader(token).alg), claims: decodeJwt(token) };
  } catch {
    throw new RelayError("token_malformed", "The token is not a JWT.");
  }
}

/** The claim `sub` of a token that need not be valid; undefined where it cannot be read. */
export function subjectOf(token: string): string | undefined {
  try {
    return decodeJwt(token).sub ?? "";
  } catch {
    return undefined; // Not a JWT: it names nobody.
  }
}

/** The claims were checked already; jose checks the signature, `crit`, and exp and nbf again. */
async function verify(
  token: string,
  key: JWTVerifyGetKey | (() => Uint8Array),
  algorithms: string[],
): Promise<void> {
  try {
    await jwtVerify(token, key as JWTVerifyGetKey, { algorithms });
  } catch (error) {
    throw toTokenError(error);
  }
}

/** The keys that the platform handed in; where they do not hold a kid, the project's own JWKS. */
function createPublicKeys(config: Config, fetch: typeof globalThis.fetch): JWTVerifyGetKey {
  const url = new URL("auth/v1/.well-known/jwks.json", config.supabaseUrl);
  const remote = createRemoteJWKSet(url, {
    cooldownDuration: JWKS_COOLDOWN_MS,
    timeoutDuration: JWKS_TIMEOUT_MS,
    [customFetch]: fetch,
  });
  if (!config.jwks) return remote;
  const local = createLocalJWKSet(config.jwks);
  return async (header, token) => {
    try {
      return await local(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) {
        return remote(header, token);
      }
      throw error;
    }
  };
}

function toTokenError(error: unknown): RelayError {
  if (
    error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)
  ) {
    const message = "The project's JWKS could not be fetched.";
    return new RelayError("auth_unavailable", message, { cause: error });
  }
  if (error instanceof errors.JWTExpired) {
    return new RelayError("token_expired", "The token has expired.");
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    isKeyProblem(error)
  ) {
    return new RelayError("token_signature", "No key of the project made the token's signature.");
  }
  // A JWKS endpoint that answers 404, or with something else than a JWK set.
  if (
    error.code === "ERR_JOSE_GENERIC" || error instanceof errors.JWKSInvalid
  ) {
    return new RelayError("auth_unavailable", "The project's JWKS could not be read.");
  }
  return new RelayError("token_malformed", "The token is not a JWT that can be verified.");
}

function isKeyProblem(error: errors.JOSEError): boolean {
  return error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys;
}
