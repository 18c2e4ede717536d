import { jwtVerify } from "jose";
import { isListed } from "../../../supabase/functions/relay/config/origin.ts";
import { ConfigError, readConfig } from "../../../supabase/functions/relay/config/config.ts";
import { isSecretKey } from "../../../supabase/functions/relay/config/keys.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import type { FindingId } from "../findings/mod.ts";
import type { Options } from "../options.ts";
import { claimsOf, decode } from "./keys/jwt.ts";

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
    ...newKeys(variables),
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

/** Keys for browsers, and keys that open everything. */
const PUBLIC_KEYS = ["ANON_KEY", "ANON_KEY_ASYMMETRIC", "SUPABASE_PUBLISHABLE_KEY"];
const SECRET_KEYS = ["SERVICE_ROLE_KEY", "SERVICE_ROLE_KEY_ASYMMETRIC", "SUPABASE_SECRET_KEY"];

const isPublic = (key: string) =>
  key.startsWith("sb_publishable_") || claimsOf(key)?.role === "anon";

async function keys(variables: Variables): Promise<Check[]> {
  const { ANON_KEY, SERVICE_ROLE_KEY, JWT_SECRET } = variables;
  const swapped = [
    ...PUBLIC_KEYS.filter((name) => variables[name] && isSecretKey(variables[name])),
    ...SECRET_KEYS.filter((name) => variables[name] && isPublic(variables[name])),
  ];
  if (swapped.length > 0) {
    return [found("env_key_roles", `${swapped.join(", ")}: of the other's role`)];
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
      ({ payload }) => payload.role ? undefined : "it says no role",
      (error) => error.message as string,
    );
    if (problem) checks.push(found(id, `${name}: ${problem}`));
  }
  return checks;
}

/** Of these the gateway wants all or none. */
const NEW_KEYS = [
  ...["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY"],
  ...["ANON_KEY_ASYMMETRIC", "SERVICE_ROLE_KEY_ASYMMETRIC"],
];

function newKeys(variables: Variables): Check[] {
  const lacking = NEW_KEYS.filter((name) => !variables[name]);
  const isHalf = lacking.length > 0 && lacking.length < NEW_KEYS.length;
  const half = isHalf ? [found("env_new_keys_half", `${lacking.join(", ")} empty`)] : [];
  return [...half, ...signers(variables)];
}

/** Whether each key that something is signed with is in JWT_JWKS, by its kid. */
function signers({ JWT_KEYS, JWT_JWKS, ...others }: Variables): Check[] {
  const signing = keysIn(JWT_KEYS);
  const verifying = keysIn(JWT_JWKS);
  const tokens = [others.ANON_KEY_ASYMMETRIC, others.SERVICE_ROLE_KEY_ASYMMETRIC]
    .flatMap((token) => decode(token ?? "")?.header.kid ?? []);
  if (!JWT_KEYS && tokens.length === 0) return [];
  if (!JWT_JWKS) return [found("env_jwks_missing", "JWT_JWKS is empty")];
  if (!verifying || /^\s*\[/.test(JWT_JWKS)) {
    return [found("env_jwks_missing", 'JWT_JWKS is no JSON object with keys, {"keys":[…]}')];
  }
  const kids = [...(signing ?? []).flatMap(({ kid }) => kid ?? []), ...tokens];
  const lacking = [...new Set(kids)].filter((kid) => !verifying.some((it) => it.kid === kid));
  if (lacking.length === 0) return [];
  return [found("env_jwks_missing", `JWT_JWKS does not hold ${lacking.join(", ")}`)];
}

/** The keys of a list or of a set; undefined for what is neither. */
function keysIn(text: string | undefined): { kid?: string }[] | undefined {
  try {
    const value = JSON.parse(text ?? "");
    const keys = Array.isArray(value) ? value : value?.keys;
    return Array.isArray(keys) ? keys.filter((it) => it && typeof it === "object") : undefined;
  } catch {
    return undefined;
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
    if (origin && !isListed(origin, config.origins)) {
      const paste = [`RELAY_ORIGINS=${variables.RELAY_ORIGINS},${origin}`];
      return [found("env_relay_origin", `RELAY_ORIGINS does not cover ${origin}`, { paste })];
    }
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [found("env_relay", error.problems.join("; "))];
  }
}
