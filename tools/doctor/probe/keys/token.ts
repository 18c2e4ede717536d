import { readConfig } from "../../../../supabase/functions/relay/config/config.ts";
import { isSecretKey } from "../../../../supabase/functions/relay/config/keys.ts";
import { createAuthenticator } from "../../../../supabase/functions/relay/door/authenticate.ts";
import { type Code, RelayError } from "../../../../supabase/functions/relay/errors.ts";
import { readText } from "../../ask/read_text.ts";
import { type Check, found, ok, skipped } from "../../check.ts";
import type { Context } from "../../context.ts";
import type { FindingId } from "../../findings/mod.ts";
import type { Options } from "../../options.ts";
import { SKEW_MS } from "./clock.ts";
import { otherIssuer, otherProject } from "./issuer.ts";
import { idOf, jwksOf, reasonOf } from "./jwks.ts";
import { decode, type Decoded, when } from "./jwt.ts";

/** What the relay would say of the user's token; `key` is the one that it comes with. */
export async function judgeToken(
  token: string,
  key: string | undefined,
  context: Context,
): Promise<Check[]> {
  const { options, target } = context;
  if (isSecretKey(token)) return [found("secret_key", `the token is ${secretOf(token)}`)];
  const config = readConfig({
    SUPABASE_URL: target.project?.href ?? target.socket.origin,
    SUPABASE_PUBLISHABLE_KEY: key && !isSecretKey(key) ? key : "sb_publishable_none",
    RELAY_JWT_SECRET: options.jwtSecret,
  });
  const jwt = decode(token);
  const checks = [...judgeAge(jwt), ...await judgeKid(jwt, context)];
  if (context.issuer || checks.some(({ state }) => state === "failed")) return checks;
  if (jwt && !target.project && (jwt.header.alg !== "HS256" || !options.jwtSecret)) {
    return [...checks, skipped("keys", "the token's signature, without a project or its secret")];
  }
  return [...checks, ...await authenticate(token, jwt, config, context)];
}

/** What opens everything is a key, or a token of one of the platform's own roles. */
const secretOf = (token: string) => {
  const role = decode(token)?.claims.role;
  return typeof role === "string" ? `one of the role ${role}` : "a secret key";
};

function judgeAge(jwt: Decoded | undefined): Check[] {
  const iat = jwt?.claims.iat;
  if (typeof iat !== "number" || iat * 1000 <= Date.now() + SKEW_MS) return [];
  return [found("iat_future", `the token's iat is ${when(iat)}`)];
}

/** Whether the JWKS answers and holds the token's kid; what it signs, the relay's code checks. */
async function judgeKid(
  jwt: Decoded | undefined,
  context: Context,
): Promise<Check[]> {
  const { target: { project }, options } = context;
  const issuer = otherIssuer(jwt, project);
  if (jwt && issuer && !project && jwt.header.alg !== "HS256") {
    return tellIssuer(jwt, issuer, context);
  }
  if (!jwt || jwt.header.alg === "HS256" || !project) return [];
  try {
    await jwksOf(project, options.waitMs)(jwt.header as { alg: string }, EMPTY);
    return [ok("keys", `the project's JWKS holds the token's kid ${jwt.header.kid}`)];
  } catch (error) {
    if (issuer) return tellIssuer(jwt, issuer, context);
    const other = otherProject(jwt, project);
    const whose = other ? `, and the token is of the project ${other}` : "";
    return [found(idOf(error), reasonOf(error) + whose)];
  }
}

/** The keys of a set are chosen by the header alone. */
const EMPTY = { payload: "", signature: "" };

/** What a token of another issuer says; whether it is good, only that issuer's keys could tell. */
function tellIssuer(jwt: Decoded, issuer: string, context: Context): Check[] {
  const { header: { alg }, claims: { role, exp, aud } } = jwt;
  if (typeof role !== "string" || typeof exp !== "number") {
    const lacks = typeof role === "string" ? "no numeric exp" : "no role";
    return [found("token_refused", `token_claims: the token of ${issuer} has ${lacks}`)];
  }
  if (exp * 1000 <= Date.now()) {
    return [found("token_expired", `the token of ${issuer} was good until ${when(exp)}`)];
  }
  context.issuer = issuer;
  const audience = aud === undefined ? "no audience" : `audience ${[aud].flat().join(", ")}`;
  const saw = `the token is of ${issuer}: role ${role}, ${audience}, ${alg}, until ${when(exp)}`;
  return [ok("keys", `${saw}; relay and Realtime say whether they take it`)];
}

/** Refusals of the relay that have a finding of their own. */
const IDS: Partial<Record<Code, FindingId>> = {
  token_expired: "token_expired",
  token_signature: "token_signature",
};

/** A token goes to the host that was named, and to those given by --ask. */
const fetchFor = ({ url, ask, waitMs }: Options): typeof fetch => async (input, init) => {
  const asked = new URL(input instanceof Request ? input.url : input);
  if (![url.host, ...ask].includes(asked.host)) throw new Error(`${asked.host} was not named.`);
  const headers = Object.fromEntries(new Headers(init?.headers));
  const { status, text } = await readText(asked, { waitMs, most: MAX_BYTES, headers });
  return new Response(text || null, { status });
};

/** Of keys, or of one user; the relay's code reads no more. */
const MAX_BYTES = 65_536;

/** By the relay's own code. */
async function authenticate(
  token: string,
  jwt: Decoded | undefined,
  config: ReturnType<typeof readConfig>,
  context: Context,
): Promise<Check[]> {
  const { options, target } = context;
  try {
    const authenticator = createAuthenticator(config, fetchFor(options), Date.now);
    const identity = await authenticator.authenticate({ kind: "token", token });
    if (identity.kind !== "user") return [];
    const { role, expiresAt } = identity;
    context.tokenVerified = true;
    return [ok("keys", `a token of role ${role}, ${jwt?.header.alg}, until ${when(expiresAt)}`)];
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const { code, message } = error;
    if (code === "auth_unavailable") {
      return [skipped("keys", "the token's signature: the Auth server did not answer")];
    }
    // Of iat that is told already, by what Realtime makes of it.
    if (code === "token_early") {
      const isTold = judgeAge(jwt).length > 0;
      return isTold ? [] : [found("iat_future", message)];
    }
    const issuer = otherIssuer(jwt, target.project);
    if (issuer && ["token_signature", "token_rejected"].includes(code)) {
      return tellIssuer(jwt!, issuer, context);
    }
    return [found(IDS[code] ?? "token_refused", `${code}: ${message}`)];
  }
}
