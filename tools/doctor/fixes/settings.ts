import type { FindingId } from "../findings/mod.ts";

const SEED = `# environment of the container realtime, then start it again
SELF_HOST_TENANT_NAME: realtime-dev
API_JWT_SECRET: \${JWT_SECRET}
SEED_SELF_HOST: "true"`;

const VERIFY_JWT = `# supabase/config.toml, then: supabase functions deploy relay
[functions.relay]
verify_jwt = false
# self-hosted, .env
FUNCTIONS_VERIFY_JWT=false`;

/** Settings that mend what no proxy and no SQL does. */
export const SETTINGS: Partial<Record<FindingId, string>> = {
  tenant_not_found: SEED,
  tenant_row_missing: SEED,
  server_secret_differs: SEED,
  tenant_secret_stale: SEED,
  env_api_jwt_secret: SEED,
  relay_verify_jwt: VERIFY_JWT,
  env_verify_jwt: VERIFY_JWT,
  relay_anonymous: "supabase secrets set RELAY_ANONYMOUS=allow",
  relay_origin: "supabase secrets set RELAY_ORIGINS=https://app.example.com",
  relay_missing: "supabase functions deploy relay",
  migrations_missing: "supabase db push",
  env_secret_key_base: "SECRET_KEY_BASE=$(openssl rand -base64 48)",
  tls_chain: `# nginx: the chain, not the certificate alone
ssl_certificate /etc/letsencrypt/live/example.com/fullchain.pem;`,
  private_refused: `create policy "…" on realtime.messages for select to authenticated
  using (realtime.topic() = '…' and extension in ('broadcast', 'presence'));`,
};
