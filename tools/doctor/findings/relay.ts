import { VERIFY_JWT } from "../fixes/settings.ts";
import type { Rows } from "./finding.ts";

/** What the relay, or the platform before it, says no to. */
export const RELAY = {
  relay_verify_jwt: [
    "failed",
    "The platform checks a JWT before the relay runs, and browsers cannot send that header.",
    "Set verify_jwt = false for the function and deploy; self-host: FUNCTIONS_VERIFY_JWT=false.",
    {
      explains: ["refused_otherwise", "server_error", "gateway_unreachable"],
      settings: VERIFY_JWT,
    },
  ],
  relay_missing: [
    "failed",
    "No relay answers at this address.",
    "Deploy it: supabase functions deploy relay. Check the path /functions/v1/relay.",
    {
      explains: ["path_wrong", "refused_otherwise", "page_answered", "server_error"],
      settings: "supabase functions deploy relay",
    },
  ],
  relay_crashed: [
    "failed",
    "The relay is deployed, and the platform cannot start it or has ended it.",
    "Read the function's log: what its start throws stands there, or which limit it reached.",
    { explains: ["gateway_unreachable", "refused_otherwise", "server_error"] },
  ],
  relay_misconfigured: [
    "failed",
    "The relay's environment is wrong; each problem is shown above.",
    "Set the variables (supabase secrets set …), see docs/CONFIGURATION.md.",
    { explains: ["gateway_unreachable", "refused_otherwise", "server_error"] },
  ],
  relay_upgrade_dropped: [
    "failed",
    "A proxy drops the upgrade on the relay's path: the relay sees a plain request.",
    "Each path needs the lines: let the proxy pass both headers for the relay's as well.",
    { lines: "route" },
  ],
  relay_shut: [
    "failed",
    "The relay answers plain requests, and its socket does not open.",
    "What was answered is shown: look for a rule of the proxy that is about this path.",
    { lines: "route" },
  ],
  relay_no_upstream: [
    "failed",
    "The relay is well, and the project behind it does not answer or refuses its key.",
    "Check SUPABASE_URL and the key in the relay's environment, and Realtime and Auth themselves.",
    { explains: ["join_refused", "socket_lost"] },
  ],
  relay_origin: [
    "failed",
    "The relay does not serve pages of this origin, or wants an origin and was given none.",
    "Give --origin; add the page's origin to RELAY_ORIGINS.",
    {
      explains: ["join_refused", "socket_lost"],
    },
  ],
  relay_anonymous: [
    "failed",
    "The relay lets in signed-in users only, and no token was given.",
    "Give --token, or set RELAY_ANONYMOUS=allow.",
    {
      explains: ["join_refused", "socket_lost"],
      settings: "supabase secrets set RELAY_ANONYMOUS=allow",
    },
  ],
  relay_issuer_unknown: [
    "failed",
    "The token is of another issuer, and the relay takes no tokens of that one.",
    "Name it in RELAY_ISSUERS, with the audience that its tokens have for this application.",
    { explains: ["join_refused", "socket_lost"] },
  ],
  relay_key_unknown: [
    "failed",
    "The relay does not know the key that was given: it is no public key of the relay's project.",
    "Take that project's publishable or anon key, or set the relay's SUPABASE_PUBLISHABLE_KEY to it.",
    { explains: ["join_refused", "socket_lost", "relay_refuses"] },
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
    { explains: ["join_refused", "socket_lost"] },
  ],
} as const satisfies Rows;
