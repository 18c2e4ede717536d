import type { Rows } from "./mod.ts";

/** What the relay, or the platform before it, says no to. */
export const RELAY = {
  relay_verify_jwt: [
    "failed",
    "The platform checks a JWT before the relay runs, and browsers cannot send that header.",
    "Set verify_jwt = false for the function and deploy; self-host: FUNCTIONS_VERIFY_JWT=false.",
  ],
  relay_missing: [
    "failed",
    "No relay answers at this address.",
    "Deploy it: supabase functions deploy relay. Check the path /functions/v1/relay.",
  ],
  relay_misconfigured: [
    "failed",
    "The relay's environment is wrong; each problem is shown above.",
    "Set the variables (supabase secrets set …), see docs/CONFIGURATION.md.",
  ],
  relay_no_upstream: [
    "failed",
    "The relay is well, and Realtime behind it does not answer or refuses its key.",
    "Check SUPABASE_URL and the key in the relay's environment, and Realtime itself.",
  ],
  relay_origin: [
    "failed",
    "The relay does not serve pages of this origin, or wants an origin and was given none.",
    "Give --origin; add the page's origin to RELAY_ORIGINS.",
  ],
  relay_anonymous: [
    "failed",
    "The relay lets in signed-in users only, and no token was given.",
    "Give --token, or set RELAY_ANONYMOUS=allow.",
  ],
  relay_worker_short: [
    "warning",
    "The relay's worker ends sooner than hosted ones do, and its sockets end with it.",
    "Self-host: workerTimeoutMs = 400_000 in volumes/functions/main/index.ts, or docs/DEPLOY.md.",
  ],
  relay_refuses: [
    "failed",
    "The relay refuses the credential, or what it is asked for.",
    "The code that is shown has its advice in docs/PROTOCOL.md.",
  ],
} as const satisfies Rows;
