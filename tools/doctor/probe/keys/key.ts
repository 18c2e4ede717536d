import { compactVerify } from "jose";
import { isSecretKey } from "../../../../supabase/functions/relay/config/keys.ts";
import { type Check, found, ok } from "../../check.ts";
import type { Context } from "../../context.ts";
import { idOf, jwksOf, reasonOf } from "./jwks.ts";
import { decode, type Decoded, when } from "./jwt.ts";

/** Decoders pass over spaces and line breaks, which gateways compare with the rest. */
const FOREIGN = /[^\w.-]/;

/** What can be said of the API key without the server that refuses it. */
export async function judgeKey(key: string, context: Context): Promise<Check[]> {
  if (isSecretKey(key)) return [found("secret_key", "the key given is one that opens everything")];
  const isPublishable = key.startsWith("sb_publishable_");
  const jwt = isPublishable ? undefined : decode(key);
  if (!isPublishable && !jwt) {
    return [found("key_malformed", "the key is no JWT and does not begin with sb_")];
  }
  if (FOREIGN.test(key)) {
    return [found("key_malformed", "within the key is a space, a line break or a sign of no key")];
  }
  if (!jwt) return [ok("keys", "a publishable key")];
  const { header, claims } = jwt;
  const { role, exp, ref } = claims;
  if (!role || typeof exp !== "number") {
    return [found("key_claims", `the key has ${role ? "no numeric exp" : "no role"}`)];
  }
  const words = `${
    role === "anon" ? "the legacy anon key" : `a key of role ${role}`
  }, ${header.alg}`;
  if (exp * 1000 <= Date.now()) return [found("key_expired", `${words}, until ${when(exp)}`)];
  const host = context.target.project?.hostname ?? "";
  const [, project] = /^([a-z0-9]{20})\.supabase\.\w+$/.exec(host) ?? [];
  if (project && typeof ref === "string" && ref !== project) {
    return [found("key_other_project", `the key is of ${ref}, the URL of ${project}`)];
  }
  if (!["HS256", "RS256", "ES256", "EdDSA", "Ed25519"].includes(String(header.alg))) {
    return [found("key_algorithm", `the key's alg is ${header.alg}`)];
  }
  return [await verify(key, `${words}, until ${when(exp)}`, jwt, context)];
}

/**
 * The signature, against the secret or the project's JWKS, whichever its algorithm asks for. It alone:
 * a time from which on the key is good (nbf) says nothing of who signed it.
 */
async function verify(
  key: string,
  words: string,
  { header }: Decoded,
  context: Context,
): Promise<Check> {
  const { target: { project }, options: { jwtSecret: secret, waitMs } } = context;
  const symmetric = header.alg === "HS256";
  if (symmetric && !secret) return ok("keys", `${words}; signature unknown without --jwt-secret`);
  if (!symmetric && !project) return ok("keys", `${words}; signature unknown without a project`);
  try {
    if (symmetric) {
      await compactVerify(key, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
    } else await compactVerify(key, jwksOf(project!, waitMs));
    context.keyVerified = true;
    return ok("keys", `${words}; signature good`);
  } catch (error) {
    return found(idOf(error), `${words}; ${reasonOf(error)}`);
  }
}
