/** Verifies tokens as Realtime does, with its words for what is wrong. */
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { Buffer } from "node:buffer";

/** A token that may be used. */
export interface Identity {
  token: string;
  role: string;
  /** Unix time in seconds. */
  exp: number;
  /** The payload's own text: what policies find in request.jwt.claims. */
  claims: string;
  sub?: string;
}

type TokenFault = "malformed" | "signature" | "signer" | "expired" | "fields";

/** Why a token is refused, in the words of each place that refuses it. */
export class TokenError extends Error {
  constructor(readonly fault: TokenFault, readonly age = 0) {
    super(fault);
  }

  /** As the body of a refused handshake says it. */
  get handshake(): string {
    return WORDS[this.fault];
  }

  /** As the reply to a join says it. */
  get join(): string {
    return `${CODES[this.fault]}: ${this.#aged}`;
  }

  /** As the system message that closes a channel says it. */
  get system(): string {
    return this.fault === "signature" ? ":signature_error" : this.#aged;
  }

  get #aged(): string {
    return this.fault === "expired"
      ? `${WORDS.expired} ${this.age} seconds ago`
      : WORDS[this.fault];
  }
}

const WORDS: Record<TokenFault, string> = {
  malformed: "The token provided is not a valid JWT",
  signature: "Failed to validate JWT signature",
  signer: "Failed to generate JWT signer, check your JWT secret or JWKS configuration",
  expired: "Token has expired",
  fields: "Fields `role` and `exp` are required in JWT",
};
const CODES: Record<TokenFault, string> = {
  malformed: "MalformedJWT",
  signature: "JwtSignatureError",
  signer: "JwtSignerError",
  expired: "InvalidJWTToken",
  fields: "InvalidJWTToken",
};

/** Algorithms by kind of key: a token's own `alg` never chooses another kind. */
const SYMMETRIC = ["HS256", "HS384", "HS512"];
const ASYMMETRIC = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

export interface Keys {
  jwtSecret: string;
  jwks?: { keys: JsonWebKey[] };
}

/** The identity in a token whose signature and time are good; throws TokenError otherwise. */
export async function verify(token: string, keys: Keys, now = Date.now()): Promise<Identity> {
  const header = headerOf(token);
  const key = await keyFor(header, keys);
  const { payload } = await compactVerify(token, key).catch(() => {
    throw new TokenError("signature");
  });
  const claims = new TextDecoder().decode(payload);
  const { role, exp, sub } = JSON.parse(claims);
  if (typeof role !== "string" || typeof exp !== "number") throw new TokenError("fields");
  const age = Math.floor(now / 1000) - exp;
  if (age >= 0) throw new TokenError("expired", Math.floor(age));
  return { token, role, exp, claims, sub: typeof sub === "string" ? sub : undefined };
}

/** Whether a client sent an API key in the place of a token. */
export function isApiKey(value: unknown): boolean {
  return typeof value === "string" && value.startsWith("sb_");
}

function headerOf(token: string): { alg?: string; kid?: string } {
  try {
    const [, payload, signature] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    if (signature === undefined || typeof claims !== "object" || claims === null) throw claims;
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenError("malformed");
  }
}

async function keyFor(header: { alg?: string; kid?: string }, keys: Keys) {
  const alg = header.alg ?? "";
  const jwk = keys.jwks?.keys.find((key) =>
    header.kid !== undefined && (key as { kid?: string }).kid === header.kid &&
    (key.kty === "oct" ? SYMMETRIC : ASYMMETRIC).includes(alg)
  );
  if (jwk) {
    return await importJWK(jwk, alg).catch(() => {
      throw new TokenError("signer");
    });
  }
  if (!SYMMETRIC.includes(alg)) throw new TokenError("signer");
  return new TextEncoder().encode(keys.jwtSecret);
}
