import type { Rows } from "./mod.ts";

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
    "ANON_KEY and SERVICE_ROLE_KEY do not have the roles that their names say.",
    "Swap them back. If service_role was in a browser, make a new JWT_SECRET.",
  ],
  env_jwks_commented: [
    "warning",
    "A JWKS is there, commented out: tokens with asymmetric keys are refused.",
    "Take the # away if Auth signs with asymmetric keys.",
  ],
  env_api_jwt_secret: [
    "failed",
    "API_JWT_SECRET, from which Realtime seeds its tenant, differs from JWT_SECRET.",
    "Make both the same, and start Realtime with SEED_SELF_HOST=true.",
  ],
  env_verify_jwt: [
    "failed",
    "VERIFY_JWT is on for all functions: browsers cannot open a socket to the relay.",
    "Set FUNCTIONS_VERIFY_JWT=false; the relay verifies each token itself.",
  ],
  env_relay: [
    "failed",
    "The relay would not start with these variables.",
    "Correct what is listed; docs/CONFIGURATION.md has every variable.",
  ],
} as const satisfies Rows;
