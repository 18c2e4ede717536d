import type { Rows } from "./mod.ts";

/** What can be wrong with a key or a token. */
export const KEYS = {
  secret_key: [
    "failed",
    "A secret key or a service_role token is where browsers can read it.",
    "Rotate it now; browsers get the publishable or the anon key.",
  ],
  key_expired: [
    "failed",
    "The API key has expired.",
    "Make a new anon key: same secret, a later exp.",
  ],
  key_signature: [
    "failed",
    "The API key was not signed with the project's secret.",
    "Use the key of this project, or make ANON_KEY anew from JWT_SECRET.",
  ],
  key_malformed: [
    "failed",
    "The API key is neither a publishable key nor a JWT.",
    "Copy the whole key, without quotes and line breaks.",
  ],
  key_claims: [
    "failed",
    "The API key lacks the claims role and exp, without which Realtime refuses it.",
    "Make a new anon key with both claims.",
  ],
  key_algorithm: [
    "failed",
    "The API key is signed by an algorithm that Realtime does not verify.",
    "Use HS256 with the project's secret, or a key of the project's JWKS.",
  ],
  key_other_project: [
    "failed",
    "The API key belongs to another hosted project.",
    "Take URL and key from the same project.",
  ],
  server_secret_differs: [
    "failed",
    "The key is good by the secret given here, and Realtime refuses its signature.",
    "Realtime holds another secret: give --db to look at its tenant, or set SEED_SELF_HOST=true.",
  ],
  token_expired: ["failed", "The user's token has expired.", "Refresh the session."],
  token_signature: [
    "failed",
    "No key of the project made the token's signature.",
    "Sign in to this project; check JWT_SECRET, or the project's JWKS.",
  ],
  token_refused: [
    "failed",
    "The user's token is one that the relay refuses.",
    "The code that is shown has its advice in docs/PROTOCOL.md.",
  ],
  iat_future: [
    "warning",
    "The token was issued in the future.",
    "Set the clock of the machine that signs; some servers refuse such tokens.",
  ],
  clock_skew: [
    "warning",
    "The server's clock and this one differ by more than 30 seconds.",
    "Let both keep time by NTP: tokens seem expired or not yet valid.",
  ],
  jwks_unreachable: [
    "failed",
    "The project's JWKS cannot be read, and the token needs it.",
    "Let /auth/v1/.well-known/jwks.json answer, without an API key.",
  ],
  jwks_kid_missing: [
    "failed",
    "The project's JWKS does not hold the token's kid.",
    "Sign in again: the key was rotated, or the token is another project's.",
  ],
} as const satisfies Rows;
