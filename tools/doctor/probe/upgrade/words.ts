import type { FindingId } from "../../findings/mod.ts";

/** What Realtime itself says in `{"error":…}`, whole sentences; whoever says else is not Realtime. */
const OF_REALTIME: [RegExp, FindingId][] = [
  [/^Tenant not found$/, "tenant_not_found"],
  [/^Realtime was disabled for this tenant$/, "tenant_disabled"],
  [/^API key is missing$/, "key_missing"],
  [/^Failed to validate JWT signature$/, "key_signature"],
  [/^Token has expired(?: \d+ seconds ago)?$/, "key_expired"],
  [/^The token provided is not a valid JWT$/, "key_malformed"],
  [/^Fields `role` and `exp` are required in JWT$/, "key_claims"],
  [/^Failed to generate JWT signer\b/, "key_algorithm"],
  [/^Too many (?:connected users|joins per second)$/, "too_many"],
];

/** What the server that Realtime runs in says, in plain words. */
const OF_ITS_SERVER: [RegExp, FindingId][] = [
  [/^'(?:connection|upgrade)' header must contain '(?:upgrade|websocket)'/, "upgrade_dropped"],
  [/^'sec-websocket-(?:key|version)' header /, "handshake_dropped"],
  [/^HTTP version \S+ unsupported/i, "http_version"],
];

/** What gateways and proxies say: Kong and Envoy of the official compose, the hosted gateway. */
const OF_OTHERS: [RegExp, FindingId][] = [
  [/not an? (?:websocket )?upgrade|"code":"upgrade_required"/i, "upgrade_dropped"],
  [/requires HTTP\/1\.1/i, "http_version"],
  [/No API key found/, "key_missing"],
  [/You cannot consume this service|RBAC: access denied/, "key_forbidden"],
  [
    /^(?:Jwt (?:is|not|verification|header|payload|signature|issuer)\b|Jwks doesn't have key|Audiences in Jwt)/,
    "key_refused_by_gateway",
  ],
  // AWS's gateway, which has no route: it says nothing of a token.
  [/"message":\s*"Missing Authentication Token"/, "path_wrong"],
  [/Legacy API keys are disabled/, "key_disabled"],
  [
    /Invalid API key|Unregistered API key|Invalid authentication credentials/,
    "key_refused_by_gateway",
  ],
  [
    /^(?:Unauthorized|\{\s*"message":"Unauthorized"(?:,\s*"request_id":"\w*")?\s*\})\s*$/,
    "key_refused_by_gateway",
  ],
];

/** Of a gateway that is there, whatever it says of the path. */
const OF_GATEWAYS =
  /no Route matched|"message":"(?:No API key found|Invalid authentication credentials|Invalid API key|Unregistered API key|Legacy API keys|You cannot consume)/;

/** What Auth says at its health, with and without a gateway's key. */
const OF_AUTH = /GoTrue|"name":"(?:gotrue|auth)"/i;

/** The sentence of a body that is nothing but an error. */
function errorOf(body: string): string | undefined {
  try {
    const { error, ...others } = JSON.parse(body) ?? {};
    return typeof error === "string" && Object.keys(others).length === 0 ? error : undefined;
  } catch {
    return undefined;
  }
}

/** What a body says, and whether Realtime said it. */
export function readWords(body: string): { id: FindingId; byRealtime: boolean } | undefined {
  const error = errorOf(body);
  const own = OF_REALTIME.find(([words]) => error !== undefined && words.test(error)) ??
    OF_ITS_SERVER.find(([words]) => words.test(body));
  if (own) return { id: own[1], byRealtime: true };
  const other = OF_OTHERS.find(([words]) => words.test(body));
  return other && { id: other[1], byRealtime: false };
}

/** Whether the body is one of Supabase's parts speaking, and not just any server. */
export const isSupabase = (body: string): boolean =>
  readWords(body)?.byRealtime || OF_GATEWAYS.test(body) || OF_AUTH.test(body);

export const isGateway = (body: string): boolean => OF_GATEWAYS.test(body);
