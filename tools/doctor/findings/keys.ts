import { SEED } from "../fixes/settings.ts";
import type { Rows } from "./finding.ts";

/** What can be wrong with a key or a token. */
export const KEYS = {
  secret_key: [
    "failed",
    "A secret key or a service_role token is where browsers can read it.",
    "Rotate it now; browsers get the publishable or the anon key.",
    { explains: ["relay_refuses", "key_refused_by_gateway", "env_key_roles"] },
  ],
  key_missing: [
    "failed",
    "The server wants an API key, and none was given.",
    "Give the project's publishable or anon key with --key.",
  ],
  credential_missing: [
    "failed",
    "The relay lets nobody in without a key or a token, and none was given.",
    "Give the project's publishable or anon key with --key, or a user's token with --token.",
  ],
  key_expired: [
    "failed",
    "The API key has expired.",
    "Make a new anon key: same secret, a later exp.",
    { explains: ["refused_403", "socket_lost", "join_refused", "relay_no_upstream"] },
  ],
  key_signature: [
    "failed",
    "The API key was not signed with the project's secret.",
    "Use the key of this project, or make ANON_KEY anew from JWT_SECRET.",
    { explains: ["refused_403", "server_secret_differs", "env_anon_key"] },
  ],
  key_malformed: [
    "failed",
    "The API key is neither a publishable key nor a JWT.",
    "Copy the whole key, without quotes and line breaks.",
    { explains: ["refused_403", "key_refused_by_gateway"] },
  ],
  key_disabled: [
    "failed",
    "The project has its legacy API keys (anon, service_role) turned off, and this is one.",
    "Take its publishable key (sb_publishable_…) in every client, or turn the legacy keys on again.",
  ],
  key_claims: [
    "failed",
    "The API key lacks the claims role and exp, without which Realtime refuses it.",
    "Make a new anon key with both claims.",
    { explains: ["refused_403"] },
  ],
  key_algorithm: [
    "failed",
    "The API key is signed by an algorithm that Realtime does not verify.",
    "Use HS256 with the project's secret, or a key of the project's JWKS.",
    { explains: ["refused_403"] },
  ],
  key_other_project: [
    "failed",
    "The API key belongs to another hosted project.",
    "Take URL and key from the same project.",
    { explains: ["key_refused_by_gateway", "key_signature"] },
  ],
  given_secret_differs: [
    "warning",
    "The JWT secret given to the doctor is not the one that this server verifies by.",
    "Take JWT_SECRET of this very project; leave the server as it is, which works.",
  ],
  server_secret_differs: [
    "failed",
    "The key is good by the secret given here, or by the project's JWKS, and Realtime refuses it.",
    "Realtime holds other keys: give --db to look at its tenant, or set SEED_SELF_HOST=true.",
    { settings: SEED },
  ],
  token_expired: [
    "failed",
    "The user's token has expired.",
    "Refresh the session.",
    { explains: ["relay_refuses", "join_refused", "socket_lost", "private_refused"] },
  ],
  token_signature: [
    "failed",
    "No key of the project made the token's signature.",
    "Sign in to this project; check JWT_SECRET, or the project's JWKS.",
    { explains: ["relay_refuses", "join_refused", "socket_lost", "private_refused"] },
  ],
  realtime_refuses_token: [
    "failed",
    "The token is good, and Realtime refuses it: it verifies by other keys.",
    "Let Realtime have the keys that sign tokens: API_JWT_SECRET, or its JWKS; --db looks at its tenant.",
    { settings: SEED, explains: ["join_refused", "relay_refuses"] },
  ],
  token_other_issuer: [
    "failed",
    "The token is of another issuer, and Realtime does not know that issuer's keys.",
    "Register it with the project (Authentication, Third-party); self-host: its keys into JWT_JWKS.",
    { explains: ["relay_refuses", "join_refused", "socket_lost", "private_refused"] },
  ],
  token_refused: [
    "failed",
    "The user's token is one that the relay refuses.",
    "The code that is shown has its advice in docs/PROTOCOL.md.",
    { explains: ["relay_refuses", "token_signature", "join_refused", "socket_lost"] },
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
