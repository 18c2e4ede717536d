import { SEED, VERIFY_JWT } from "../fixes/settings.ts";
import type { Rows } from "./finding.ts";

/** What does not fit together in self-hosted Supabase's .env. */
export const ENV_FILE = {
  env_jwt_secret: [
    "failed",
    "JWT_SECRET is shorter than 32 characters.",
    "Make a longer one, then ANON_KEY and SERVICE_ROLE_KEY anew.",
  ],
  env_db_enc_key: [
    "failed",
    "DB_ENC_KEY is not 16 bytes long, which AES-128 needs: Realtime cannot read its tenants.",
    "Use 16 characters; write the tenant's secret anew afterwards.",
    { explains: ["tenant_secret_undecryptable", "server_error"] },
  ],
  env_db_enc_key_gcm: [
    "failed",
    "DB_ENC_KEY_GCM is not 32 bytes long, which AES-256 needs.",
    "Use 32 characters.",
  ],
  env_secret_key_base: [
    "failed",
    "SECRET_KEY_BASE is shorter than 64 characters: Realtime does not start.",
    "Make one with openssl rand -base64 48.",
    { settings: 'echo "SECRET_KEY_BASE=$(openssl rand -base64 48)" >> .env' },
  ],
  env_anon_key: [
    "failed",
    "ANON_KEY was not made with the JWT_SECRET beside it.",
    "Make ANON_KEY anew from JWT_SECRET.",
  ],
  env_service_key: [
    "failed",
    "SERVICE_ROLE_KEY was not made with the JWT_SECRET beside it.",
    "Make SERVICE_ROLE_KEY anew from JWT_SECRET.",
  ],
  env_key_roles: [
    "failed",
    "The keys for browsers and those that open everything do not have the roles of their names.",
    "Swap them back. If a secret one was in a browser, make new ones, of a new JWT_SECRET.",
    { explains: ["env_relay"] },
  ],
  env_jwks_commented: [
    "warning",
    "A JWKS is there, commented out: tokens with asymmetric keys are refused.",
    "Take the # away if Auth signs with asymmetric keys.",
  ],
  env_new_keys_half: [
    "failed",
    "The new keys are set by half: the gateway makes JWTs of sb_ keys only where all four are there.",
    "Set what is named, all by the script that made the others, or empty all four.",
    { explains: ["key_not_swapped", "key_refused_by_gateway"] },
  ],
  env_jwks_missing: [
    "failed",
    "JWT_JWKS lacks a key that Auth signs with: Realtime cannot verify its tokens.",
    "Set JWT_JWKS to the public keys of JWT_KEYS, and JWT_SECRET as an oct key beside them.",
    { explains: ["env_jwks_commented", "tenant_jwks_stale"] },
  ],
  env_api_jwt_secret: [
    "failed",
    "API_JWT_SECRET, from which Realtime seeds its tenant, differs from JWT_SECRET.",
    "Make both the same, and start Realtime with SEED_SELF_HOST=true.",
    { explains: ["tenant_secret_stale", "server_secret_differs"], settings: SEED },
  ],
  env_verify_jwt: [
    "failed",
    "VERIFY_JWT is on for all functions: browsers cannot open a socket to the relay.",
    "Set FUNCTIONS_VERIFY_JWT=false; the relay verifies each token itself.",
    { settings: VERIFY_JWT },
  ],
  env_relay_origin: [
    "failed",
    "RELAY_ORIGINS of the file does not cover this origin.",
    "Add the page's origin to RELAY_ORIGINS.",
  ],
  env_relay: [
    "failed",
    "The relay would not start with these variables.",
    "Correct what is listed; docs/CONFIGURATION.md has every variable.",
  ],
} as const satisfies Rows;
