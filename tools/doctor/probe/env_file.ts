import { decodeJwt, jwtVerify } from "jose";
import { isAllowedOrigin } from "../../../supabase/functions/relay/authorize.ts";
import { ConfigError, readConfig } from "../../../supabase/functions/relay/config.ts";
import { isSecretKey } from "../../../supabase/functions/relay/keys.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { FindingId } from "../findings/mod.ts";
import type { Options } from "../options.ts";

type Variables = Record<string, string>;

/** Lengths that the servers want, of what must be there to have one. */
const LENGTHS: [name: string, id: FindingId, fits: (bytes: number) => boolean][] = [
  ["JWT_SECRET", "env_jwt_secret", (bytes) => bytes >= 32],
  ["DB_ENC_KEY", "env_db_enc_key", (bytes) => bytes === 16],
  ["DB_ENC_KEY_GCM", "env_db_enc_key_gcm", (bytes) => bytes === 32],
  ["SECRET_KEY_BASE", "env_secret_key_base", (bytes) => bytes >= 64],
];

/** A JWKS that a # keeps from being read. */
const COMMENTED_JWKS = /^\s*#\s*(?:export\s+)?(\w*JWKS\w*)\s*=\s*\S/m;

/** Reads self-hosted Supabase's .env for what does not fit together. */
export async function probeEnvFile({ envFile, origin }: Options): Promise<Check[]> {
  if (!envFile) return [skipped("env file", "none was given with --env-file")];
  const { variables, text } = envFile;
  const findings = [
    ...lengths(variables),
    ...await keys(variables),
    ...jwks(text, variables),
    ...servers(variables),
    ...relay(variables, origin),
  ];
  if (findings.length > 0) return findings;
  return [ok("env file", `${Object.keys(variables).length} variables fit together`)];
}

function lengths(variables: Variables): Check[] {
  return LENGTHS.flatMap(([name, id, fits]) => {
    const bytes = new TextEncoder().encode(variables[name] ?? "").length;
    return bytes === 0 || fits(bytes) ? [] : [found(id, `${name} is ${bytes} bytes long`)];
  });
}

async function keys({ ANON_KEY, SERVICE_ROLE_KEY, JWT_SECRET }: Variables): Promise<Check[]> {
  if (ANON_KEY && isSecretKey(ANON_KEY) || isRole(SERVICE_ROLE_KEY, "anon")) {
    return [found("env_key_roles", "ANON_KEY or SERVICE_ROLE_KEY has the role of the other")];
  }
  const checks: Check[] = [];
  for (
    const [name, key, id] of [
      ["ANON_KEY", ANON_KEY, "env_anon_key"],
      ["SERVICE_ROLE_KEY", SERVICE_ROLE_KEY, "env_service_key"],
    ] as const
  ) {
    if (!key || !JWT_SECRET || key.startsWith("sb_")) continue;
    const secret = new TextEncoder().encode(JWT_SECRET);
    const problem = await jwtVerify(key, secret, { algorithms: ["HS256"] }).then(
      () => undefined,
      (error) => error.message as string,
    );
    if (problem) checks.push(found(id, `${name}: ${problem}`));
  }
  return checks;
}

function isRole(key: string | undefined, role: string): boolean {
  try {
    return key !== undefined && decodeJwt(key).role === role;
  } catch {
    return false; // That it is no JWT, the check of its signature says.
  }
}

function jwks(text: string, variables: Variables): Check[] {
  const name = COMMENTED_JWKS.exec(text)?.[1];
  if (!name || variables[name]) return [];
  return [found("env_jwks_commented", `${name} has a value behind a #`)];
}

function servers(variables: Variables): Check[] {
  const { API_JWT_SECRET, JWT_SECRET, FUNCTIONS_VERIFY_JWT, VERIFY_JWT } = variables;
  const checks: Check[] = [];
  if (API_JWT_SECRET && JWT_SECRET && API_JWT_SECRET !== JWT_SECRET) {
    checks.push(found("env_api_jwt_secret", "their values differ"));
  }
  if ((FUNCTIONS_VERIFY_JWT ?? VERIFY_JWT) === "true") {
    checks.push(found("env_verify_jwt", "FUNCTIONS_VERIFY_JWT or VERIFY_JWT is true"));
  }
  return checks;
}

/** What the relay's own reader says, if the file has settings of the relay; and of the origin. */
function relay(variables: Variables, origin: string | undefined): Check[] {
  if (!Object.keys(variables).some((name) => name.startsWith("RELAY_"))) return [];
  try {
    // The compose file names the URL and the key by itself.
    const key = variables.SUPABASE_ANON_KEY || variables.ANON_KEY || "unnamed";
    const url = "http://kong:8000";
    const config = readConfig({ SUPABASE_URL: url, ...variables, SUPABASE_ANON_KEY: key });
    if (origin && !isAllowedOrigin(origin, config)) {
      return [found("relay_origin", `RELAY_ORIGINS of the file does not cover ${origin}`)];
    }
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [found("env_relay", error.problems.join("; "))];
  }
}
