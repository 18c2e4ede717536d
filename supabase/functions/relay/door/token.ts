import type { JWTPayload } from "jose";
import type { Config, Issuer } from "../config/config.ts";
import { claimsOf, hasEachClaimOnce, readPart } from "../config/jwt.ts";
import { NO_AUDIENCE } from "../config/settings.ts";
import { type Code, RelayError } from "../errors.ts";
import type { User } from "./identity.ts";

/** Pinned: a key of one kind never verifies another kind's signature (RFC 8725, 3.1). */
export const ASYMMETRIC = ["ES256", "RS256", "EdDSA", "Ed25519"];

/** A JWT longer than this does not fit the header line that must carry it elsewhere. */
export const MAX_TOKEN_LENGTH = 8192;

/** Three parts of base64url (RFC 7515, 7.1); the last is empty where nobody signed. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** For `nbf` and `iat`, which another machine's clock wrote a moment ago; none for `exp`. */
export const CLOCK_TOLERANCE_S = 10;

/** A token that names somebody, whose signature nobody has checked. */
export interface Unverified {
  alg: string;
  user: User;
  /** Whose keys are to verify it; undefined for the project's own. */
  issuer: Issuer | undefined;
}

/**
 * Everything about a token that needs no key, checked first, so that nothing that must fail anyway
 * costs a signature check or a question to the Auth server.
 */
export function readToken(token: string, config: Config, now: number): Unverified {
  const { alg, claims } = decode(token);
  const issuer = issuerOf(claims, config);
  const algorithms = issuer ? ASYMMETRIC : ["HS256", ...ASYMMETRIC];
  if (!algorithms.includes(alg)) throw unlike("token_algorithm", "alg", alg, algorithms);
  const { sub = "", role, exp, iat, session_id } = claims;
  if (!role || typeof role !== "string" || typeof sub !== "string" || !Number.isFinite(exp)) {
    throw new RelayError("token_claims", "The token lacks a role or a numeric exp.");
  }
  checkTimes(claims, now / 1000);
  if (issuer) checkIssued(claims, role, issuer);
  else checkOwn(claims, config);
  const who = `${issuer?.issuer ?? ""}\n${sub}`;
  return {
    alg,
    issuer,
    user: {
      ...{ kind: "user", id: sub, who, role, issuedAt: iat, expiresAt: exp!, token },
      ...(typeof session_id === "string" && session_id !== "" && { session: session_id }),
    },
  };
}

function checkTimes({ exp, nbf, iat }: JWTPayload, now: number): void {
  for (const [name, time] of [["nbf", nbf], ["iat", iat]] as const) {
    if (time === undefined || time <= now + CLOCK_TOLERANCE_S) continue;
    const ahead = Number.isFinite(time) ? `${Math.ceil(time - now)} s ahead` : "no time";
    const wants = `at most ${CLOCK_TOLERANCE_S} s`;
    throw new RelayError(
      "token_early",
      `The token's ${name} lies ahead: got ${ahead}, wants ${wants}.`,
    );
  }
  checkExpiry(exp!, now);
}

/** Throws where a token that ends then (`exp`) has; both in seconds. */
export function checkExpiry(exp: number, now: number): void {
  if (exp > now) return;
  const ago = Math.floor(now - exp);
  throw new RelayError("token_expired", `The token has expired: its exp was ${ago} s ago.`);
}

function checkOwn({ aud, iss }: JWTPayload, { audiences, issuers }: Config): void {
  const given = aud === undefined ? [NO_AUDIENCE] : [aud].flat();
  if (!given.some((audience) => audiences.includes(audience))) {
    throw unlike("token_audience", "aud", aud, audiences);
  }
  if (issuers.length > 0 && !issuers.includes(iss ?? "")) {
    throw unlike("token_issuer", "iss", iss, issuers);
  }
}

function checkIssued({ aud }: JWTPayload, role: string, { audience, roles }: Issuer): void {
  if (audience !== "any" && ![aud ?? []].flat().some((given) => audience.includes(given))) {
    throw unlike("token_audience", "aud", aud, audience);
  }
  if (!roles.includes(role)) throw unlike("role_forbidden", "role", role, roles);
}

const issuerOf = ({ iss }: JWTPayload, { otherIssuers }: Config): Issuer | undefined =>
  otherIssuers.find(({ issuer }) => issuer === iss);

/** Of what a stranger's token holds, and of a list. */
const MAX_SHOWN = 120;

/** A refusal that names the claim, its value, and what would be taken. */
function unlike(code: Code, claim: string, got: unknown, wants: readonly string[]): RelayError {
  const value = got === undefined ? "none" : shown(got);
  return new RelayError(
    code,
    `The token's ${claim} is not accepted: got ${value}, wants ${shown(wants)}.`,
  );
}

/** In one short line of ASCII. */
function shown(value: unknown): string {
  const text = Array.isArray(value)
    ? value.map((it) => JSON.stringify(it)).join(" or ")
    : JSON.stringify(value);
  const line = String(text).replace(/[^\x20-\x7e]/g, "?");
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

function decode(token: string): { alg: string; claims: JWTPayload } {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw new RelayError("token_malformed", `The token is over ${MAX_TOKEN_LENGTH} characters.`);
  }
  try {
    // Decoders pass over spaces and padding: one token would have many spellings.
    if (!COMPACT_JWS.test(token)) throw new TypeError("not a compact JWS");
    // The claims first: they were read a moment ago.
    const claims = claimsOf(token) as JWTPayload;
    if (!hasEachClaimOnce(token)) throw new TypeError("a claim that comes twice");
    // Text would count as a time here, and what is added to it as later than any.
    if (![claims.iat, claims.nbf].every(isTime)) throw new TypeError("no time");
    const { alg } = readPart(token.slice(0, token.indexOf(".")));
    // A list of one would read as its only item.
    if (typeof alg === "object") throw new TypeError("no name of an algorithm");
    return { alg: String(alg), claims };
  } catch {
    throw new RelayError("token_malformed", "The token is not a JWT.");
  }
}

const isTime = (value: unknown) => value == null || typeof value === "number";

/** User.who of a token that need not be valid; undefined where it cannot be read. */
export function subjectOf(token: string, config: Config): string | undefined {
  try {
    const claims = claimsOf(token) as JWTPayload;
    return `${issuerOf(claims, config)?.issuer ?? ""}\n${claims.sub ?? ""}`;
  } catch {
    return undefined; // Not a JWT: it names nobody.
  }
}
