/** Lines that mend more than one finding and are no proxy's. */

export const SEED = `# environment of the container realtime, then start it again
SELF_HOST_TENANT_NAME: realtime-dev
API_JWT_SECRET: \${JWT_SECRET}
API_JWT_JWKS: \${JWT_JWKS:-{"keys":[]}}
SEED_SELF_HOST: "true"`;

export const VERIFY_JWT = `# supabase/config.toml, then: supabase functions deploy relay
[functions.relay]
verify_jwt = false
# self-hosted, .env
FUNCTIONS_VERIFY_JWT=false`;
