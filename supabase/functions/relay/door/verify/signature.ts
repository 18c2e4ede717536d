import type { errors as Errors, JWTVerifyGetKey } from "jose";
import type { Config } from "../../config/config.ts";
import { RelayError } from "../../errors.ts";
import { CLOCK_TOLERANCE_S } from "../token.ts";
import { askAuth } from "./ask_auth.ts";
import { loadJose } from "./jose.ts";
import { createJwks, type Jwks } from "./jwks.ts";

const TOLERANT = { clockTolerance: CLOCK_TOLERANCE_S };

/** Keys of one kid that are tried: a project that changes its key has two for a while. */
const MAX_KEYS = 4;

type Jose = Awaited<ReturnType<typeof loadJose>>;

/**
 * The keys that the platform handed in; where they do not hold a kid, the project's own JWKS.
 * `onChange` is told when that was read anew.
 */
export function createPublicKeys(
  config: Config,
  fetch: typeof globalThis.fetch,
  now: () => number,
  onChange: () => void,
): Jwks {
  const question = () => askAuth(".well-known/jwks.json", undefined, config, fetch);
  const remote = createJwks(question, "The project's JWKS", now, onChange);
  let local: JWTVerifyGetKey | undefined;

  async function find(...[header, token]: Parameters<JWTVerifyGetKey>) {
    if (!config.jwks) return remote.find(header, token);
    const { createLocalJWKSet, errors } = await loadJose();
    local ??= createLocalJWKSet(config.jwks);
    try {
      return await local(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return remote.find(header, token);
      throw error;
    }
  }

  return {
    find: find as JWTVerifyGetKey,
    // What was handed in stays as it is; of what was asked for it is not known which key it was.
    freshUntil: () => remote.freshUntil() === -Infinity ? Infinity : remote.freshUntil(),
  };
}

/**
 * The claims were checked already, `exp` without tolerance; jose checks the signature and `crit`.
 * Rejects with a RelayError.
 */
export async function verify(
  token: string,
  keys: Pick<Jwks, "find">,
  algorithms: string[],
): Promise<void> {
  const jose = await loadJose();
  try {
    await jose.jwtVerify(token, keys.find, { algorithms, ...TOLERANT });
  } catch (error) {
    if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw toTokenError(error, jose);
    await verifyByOneOf(error, token, algorithms, jose);
  }
}

async function verifyByOneOf(
  keys: Errors.JWKSMultipleMatchingKeys,
  token: string,
  algorithms: string[],
  jose: Jose,
): Promise<void> {
  let left = MAX_KEYS;
  for await (const key of keys) {
    try {
      await jose.jwtVerify(token, key, { algorithms, ...TOLERANT });
      return;
    } catch (error) {
      if (--left === 0 || !isWrongKey(error, jose)) throw toTokenError(error, jose);
    }
  }
  throw toTokenError(keys, jose);
}

function toTokenError(error: unknown, jose: Jose): RelayError {
  const { errors } = jose;
  if (error instanceof RelayError) return error;
  if (!(error instanceof errors.JOSEError)) {
    const message = "A key of the issuer's JWKS could not be used.";
    return new RelayError("auth_unavailable", message, { cause: error });
  }
  if (error instanceof errors.JWTExpired) {
    return new RelayError("token_expired", "The token has expired.");
  }
  if (
    isWrongKey(error, jose) || error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new RelayError("token_signature", "No key of its issuer made the token's signature.");
  }
  return new RelayError("token_malformed", "The token is not a JWT that can be verified.");
}

function isWrongKey(error: unknown, { errors }: Jose): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed;
}
