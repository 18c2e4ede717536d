import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { createAuthenticator } from "../../../supabase/functions/relay/authenticate.ts";
import { readConfig } from "../../../supabase/functions/relay/config.ts";
import { type Code, RelayError } from "../../../supabase/functions/relay/errors.ts";
import { isSecretKey } from "../../../supabase/functions/relay/keys.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import type { FindingId } from "../findings/mod.ts";

/** What a minute of NTP failure does not reach, and what makes fresh tokens look wrong. */
const SKEW_MS = 30_000;

/** Judges key and token, without asking the server that refuses them. */
export async function probeKeys(context: Context): Promise<Check[]> {
  const { options, target } = context;
  const key = options.key ?? target.key;
  const checks = key ? await judgeKey(key, context) : [skipped("keys", "no --key was given")];
  if (options.token) checks.push(...await judgeToken(options.token, key, context));
  return [...checks, ...await judgeClock(context)];
}

async function judgeKey(key: string, context: Context): Promise<Check[]> {
  const { options, target } = context;
  if (isSecretKey(key)) return [found("secret_key", "the key given is one that opens everything")];
  if (key.startsWith("sb_publishable_")) return [ok("keys", "a publishable key")];
  const jwt = decode(key);
  if (!jwt) return [found("key_malformed", "the key is no JWT and does not begin with sb_")];
  const { header, claims } = jwt;
  const { role, exp, ref } = claims;
  if (!role || typeof exp !== "number") {
    return [found("key_claims", `the key has ${role ? "no numeric exp" : "no role"}`)];
  }
  const words = `${
    role === "anon" ? "the legacy anon key" : `a key of role ${role}`
  }, ${header.alg}`;
  if (exp * 1000 <= Date.now()) return [found("key_expired", `${words}, until ${when(exp)}`)];
  const project = /^([a-z0-9]{20})\.supabase\.\w+$/.exec(target.project?.hostname ?? "")?.[1];
  if (project && typeof ref === "string" && ref !== project) {
    return [found("key_other_project", `the key is of ${ref}, the URL of ${project}`)];
  }
  if (!["HS256", "RS256", "ES256", "EdDSA", "Ed25519"].includes(String(header.alg))) {
    return [found("key_algorithm", `the key's alg is ${header.alg}`)];
  }
  return [await verify(key, `${words}, until ${when(exp)}`, options.jwtSecret, jwt, context)];
}

/** The signature, against the secret or the project's JWKS, whichever its algorithm asks for. */
async function verify(
  key: string,
  words: string,
  secret: string | undefined,
  { header }: Decoded,
  context: Context,
): Promise<Check> {
  const { target: { project }, options } = context;
  const symmetric = header.alg === "HS256";
  if (symmetric && !secret) return ok("keys", `${words}; signature unknown without --jwt-secret`);
  if (!symmetric && !project) return ok("keys", `${words}; signature unknown without a project`);
  try {
    if (symmetric) {
      await jwtVerify(key, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
    } else await jwtVerify(key, jwksOf(project!, options.waitMs));
    context.keyVerified = true;
    return ok("keys", `${words}; signature good`);
  } catch (error) {
    return found(idOf(error), `${words}; ${reasonOf(error)}`);
  }
}

function jwksOf(project: URL, waitMs: number) {
  const url = new URL("auth/v1/.well-known/jwks.json", project);
  return createRemoteJWKSet(url, { timeoutDuration: waitMs });
}

function idOf(error: unknown): FindingId {
  if (error instanceof errors.JWKSNoMatchingKey) return "jwks_kid_missing";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "key_signature";
  return "jwks_unreachable";
}

function reasonOf(error: unknown): string {
  return error instanceof errors.JOSEError ? error.message : "the JWKS could not be fetched";
}

/** What the relay would say of the user's token: its own code says it. */
async function judgeToken(
  token: string,
  key: string | undefined,
  context: Context,
): Promise<Check[]> {
  const { options, target } = context;
  if (isSecretKey(token)) return [found("secret_key", "the token has the role service_role")];
  const config = readConfig({
    SUPABASE_URL: (target.project ?? target.socket).origin,
    SUPABASE_PUBLISHABLE_KEY: key && !isSecretKey(key) ? key : "sb_publishable_none",
    RELAY_JWT_SECRET: options.jwtSecret,
  });
  const jwt = decode(token);
  const iat = jwt?.claims.iat;
  const checks = typeof iat === "number" && iat * 1000 > Date.now() + SKEW_MS
    ? [found("iat_future", `the token's iat is ${when(iat)}`)]
    : [];
  if (jwt && jwt.header.alg !== "HS256" && target.project) {
    checks.push(...await judgeJwks(token, context));
    if (checks.some(({ state }) => state === "failed")) return checks;
  }
  if (!target.project && (jwt?.header.alg !== "HS256" || !options.jwtSecret)) {
    return [...checks, skipped("keys", "the token's signature, without a project or its secret")];
  }
  try {
    const authenticator = createAuthenticator(config, fetch, Date.now);
    const identity = await authenticator.authenticate({ kind: "token", token });
    if (identity.kind !== "user") return checks;
    const { role, expiresAt } = identity;
    checks.push(
      ok("keys", `a token of role ${role}, ${jwt?.header.alg}, until ${when(expiresAt)}`),
    );
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    if (error.code === "auth_unavailable") {
      return [...checks, skipped("keys", "the token's signature: the Auth server did not answer")];
    }
    checks.push(found(TOKEN_IDS[error.code] ?? "token_refused", `${error.code}: ${error.message}`));
  }
  return checks;
}

const TOKEN_IDS: Partial<Record<Code, FindingId>> = {
  token_expired: "token_expired",
  token_signature: "token_signature",
};

/** Whether the JWKS answers and holds the token's kid; what it signs, the relay's code checks. */
async function judgeJwks(token: string, { target, options }: Context): Promise<Check[]> {
  const header = decodeProtectedHeader(token);
  try {
    await jwksOf(target.project!, options.waitMs)(header as { alg: string });
    return [ok("keys", `the project's JWKS holds the token's kid ${header.kid}`)];
  } catch (error) {
    const id = error instanceof errors.JWKSNoMatchingKey ? "jwks_kid_missing" : "jwks_unreachable";
    return [found(id, reasonOf(error))];
  }
}

/** The Date of an answer, which is whole seconds, against the clock here. */
async function judgeClock({ target, options }: Context): Promise<Check[]> {
  try {
    const signal = AbortSignal.timeout(options.waitMs);
    const response = await fetch(target.socket.origin, { signal, redirect: "manual" });
    await response.body?.cancel();
    const skew = Date.now() - Date.parse(response.headers.get("date") ?? "");
    if (Number.isNaN(skew)) {
      return [skipped("keys", "the server tells no Date to compare clocks by")];
    }
    const seconds = Math.round(Math.abs(skew) / 1000);
    if (seconds * 1000 <= SKEW_MS) return [ok("keys", "the server's clock agrees with this one")];
    const side = skew > 0 ? "behind" : "ahead of";
    return [found("clock_skew", `the server is ${seconds} s ${side} this machine`)];
  } catch {
    return [skipped("keys", "no plain answer came to compare clocks by")];
  }
}

interface Decoded {
  header: { alg?: string; kid?: string };
  claims: JWTPayload & { role?: unknown; ref?: unknown };
}

function decode(token: string): Decoded | undefined {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

const when = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 16) + "Z";
