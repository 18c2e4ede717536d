import type { Rows } from "./mod.ts";

/** What can be wrong in self-hosted Realtime's row about its tenant. */
export const TENANT = {
  tenant_row_missing: [
    "failed",
    "Realtime's table of tenants has no row for the tenant's name.",
    "Set SELF_HOST_TENANT_NAME to it and start Realtime once with SEED_SELF_HOST=true.",
  ],
  tenant_secret_undecryptable: [
    "failed",
    "The tenant's stored secret was encrypted with another key than DB_ENC_KEY.",
    "Restore the old DB_ENC_KEY, or write the secret anew (--repair-tenant).",
  ],
  tenant_secret_stale: [
    "failed",
    "The tenant's stored secret is not JWT_SECRET: every signature fails.",
    "Start Realtime with SEED_SELF_HOST=true, or write the secret anew (--repair-tenant).",
  ],
  tenant_gcm_key: [
    "failed",
    "The tenant's secret is encrypted with AES-256-GCM, and its key is not there or is wrong.",
    "Set DB_ENC_KEY_GCM (32 characters) to the key that it was written with.",
  ],
  tenant_jwks_stale: [
    "warning",
    "The tenant's stored JWKS is not the project's: tokens that name a kid are refused.",
    "Set API_JWT_JWKS to the project's JWKS and start Realtime with SEED_SELF_HOST=true.",
  ],
  tenant_suspended: [
    "failed",
    "The tenant is suspended.",
    "Clear suspend in _realtime.tenants, then restart Realtime.",
  ],
} as const satisfies Rows;
