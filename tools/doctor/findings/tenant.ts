import { SEED } from "../fixes/settings.ts";
import type { Rows } from "./finding.ts";

/** What can be wrong in self-hosted Realtime's row about its tenant. */
export const TENANT = {
  tenant_row_missing: [
    "failed",
    "Realtime's table of tenants has no row for the tenant's name.",
    "Set SELF_HOST_TENANT_NAME to it and start Realtime once with SEED_SELF_HOST=true.",
    { explains: ["tenant_not_found", "refused_403"], settings: SEED },
  ],
  tenant_name_reserved: [
    "failed",
    "The tenant has a name that Realtime needs itself: its channels crash at the first broadcast.",
    "Name it otherwise, such as realtime-dev, in SELF_HOST_TENANT_NAME and in the gateway's Host.",
    { explains: ["channel_crashed", "broadcast_lost", "tenant_row_missing"], settings: SEED },
  ],
  tenant_secret_undecryptable: [
    "failed",
    "The tenant's stored secret was encrypted with another key than DB_ENC_KEY.",
    "Restore the old DB_ENC_KEY, or write the secret anew (--repair-tenant).",
    { explains: ["server_secret_differs", "refused_403", "server_error"] },
  ],
  tenant_secret_stale: [
    "failed",
    "The tenant's stored secret is not JWT_SECRET: every signature fails.",
    "Start Realtime with SEED_SELF_HOST=true, or write the secret anew (--repair-tenant).",
    { explains: ["server_secret_differs", "refused_403", "key_signature"], settings: SEED },
  ],
  tenant_gcm_key: [
    "failed",
    "The tenant's secret is encrypted with AES-256-GCM, and its key is not there or is wrong.",
    "Set DB_ENC_KEY_GCM (32 characters) to the key that it was written with.",
    { explains: ["server_secret_differs", "refused_403", "server_error"] },
  ],
  given_enc_key_differs: [
    "warning",
    "The key given to the doctor is not the one by which the tenant's secret was encrypted.",
    "Take DB_ENC_KEY (or DB_ENC_KEY_GCM) of this very server, which reads its secret and works.",
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
    { explains: ["tenant_disabled", "refused_403"] },
  ],
} as const satisfies Rows;
