/**
 * Every way in which the relay can say no. One table gives each code its HTTP status, its WebSocket
 * close code and what to do about it; nothing else in the relay names a status or a close code.
 */
const TABLE = {
  bad_request: [400, 4400, "Ask the same URL by a plain GET: it says what is wrong."],
  protocol_list: [400, 4400, "Offer one subprotocol, or send the token by query or header."],
  vsn_unsupported: [400, 4400, "Connect with vsn=1.0.0 or vsn=2.0.0."],
  token_missing: [
    401,
    4401,
    "Send the user's token: subprotocol jwt-<token>, ?jwt=, or in the join.",
  ],
  token_malformed: [401, 4401, "Send the session's access_token unchanged."],
  token_claims: [401, 4401, "The token needs the claims role and exp; exp is a number."],
  token_algorithm: [401, 4401, "Use a token that the project's Auth server signed."],
  token_signature: [401, 4401, "Use a token of this project; check the relay's secret or JWKS."],
  token_expired: [401, 4401, "Refresh the session, then connect with the new token."],
  token_early: [401, 4401, "The token is not valid yet: check both clocks, then reconnect."],
  token_audience: [401, 4401, "Use a token for this audience, or set RELAY_AUDIENCE."],
  token_issuer: [401, 4401, "Use a token of this issuer, or set RELAY_ISSUER."],
  token_rejected: [401, 4401, "The Auth server knows no such session: sign in again."],
  token_subject: [401, 4401, "One socket serves one user: open another for another user."],
  key_unknown: [401, 4401, "Use a publishable key of the project that the relay serves."],
  anonymous_refused: [401, 4401, "Sign in first, or set RELAY_ANONYMOUS=allow on the relay."],
  signed_out: [401, 4401, "The user signed out: connect again with a new session."],
  secret_key: [403, 4403, "Never send a secret key or a token of a platform role; rotate it now."],
  role_forbidden: [403, 4403, "Use another account, or add the role to RELAY_ROLES on the relay."],
  origin_forbidden: [403, 4403, "Add the page's origin to RELAY_ORIGINS on the relay."],
  topic_forbidden: [403, 4403, "Join a topic that RELAY_POLICY allows to this role."],
  table_forbidden: [403, 4403, "Subscribe to tables that RELAY_POLICY allows to this role."],
  private_only: [403, 4403, "Join the channel with { config: { private: true } }."],
  read_only: [403, 4403, "This role may receive, not send: see RELAY_POLICY on the relay."],
  not_found: [404, 4404, "Connect to /functions/v1/relay."],
  method_not_allowed: [405, 4400, "Use GET, or POST for /api/broadcast."],
  join_timeout: [408, 4408, "Join a channel soon after the socket opened."],
  body_timeout: [408, 4408, "Send the whole body at once; try again."],
  silent: [408, 4408, "Send a heartbeat at least every 25 s; reconnect."],
  two_tokens: [409, 4409, "Send one token, in one place."],
  too_big: [413, 4413, "Send less at once."],
  too_deep: [413, 4413, "Nest less: a join holds lists and objects up to 32 deep."],
  unread: [413, 4413, "The peer does not read: read faster or subscribe to less."],
  upgrade_required: [426, 4400, "The credential is good: open a WebSocket to this URL."],
  too_many_sockets: [429, 4429, "This worker is full: reconnect in a moment."],
  too_many_user_sockets: [429, 4429, "Close sockets of this user that are no longer needed."],
  too_many_address_sockets: [429, 4429, "Too many sockets from this address: close some."],
  too_many_waiting: [429, 4429, "Send the user's token in the first join; reconnect in a moment."],
  too_many_handshakes: [429, 4429, "Too many attempts from this address: wait a minute."],
  too_many_frames: [429, 4429, "Send fewer or smaller messages a second."],
  too_many_bodies: [429, 4429, "Wait for the answers to earlier broadcasts, then send the next."],
  too_many_joins: [429, 4429, "Leave channels that are no longer needed; join fewer at a time."],
  too_many_checks: [429, 4429, "Too many tokens are being checked: reconnect in a moment."],
  internal: [500, 1011, "Reconnect; the relay's log has the connection's id."],
  auth_unavailable: [502, 4502, "The project's Auth server did not answer: reconnect later."],
  upstream_refused: [502, 4502, "Check the relay's SUPABASE_URL and publishable key."],
  upstream_timeout: [502, 4502, "Realtime did not answer: reconnect later."],
  upstream_lost: [502, 4502, "Realtime ended the connection: reconnect."],
  not_implemented: [501, 4400, "Open sockets at /realtime/v1/websocket alone."],
  misconfigured: [503, 4503, "GET /relay/health lists what is wrong in the environment."],
  draining: [503, 4503, "The worker is ending: reconnect now, a new one takes over."],
  restart: [503, 1012, "The worker is ending: reconnect, a new one takes over."],
  too_many_refusals: [503, 4503, "Wait before you connect again."],
} as const satisfies Record<string, readonly [number, number, string]>;

/** A stable identifier of a refusal; see docs/PROTOCOL.md. */
export type Code = keyof typeof TABLE;

/** All codes, for the documentation and its test. */
export const codes = Object.keys(TABLE) as Code[];

/** A refusal. `message` says what was wrong and never holds a token or a key. */
export class RelayError extends Error {
  override readonly name = "RelayError";
  /** HTTP status (RFC 9110) of the plain GET verdict. */
  readonly status: number;
  /** WebSocket close code (RFC 6455, 7.4.2: 4000-4999 are private). */
  readonly closeCode: number;
  /** What to do about it, in one sentence. */
  readonly advice: string;

  constructor(readonly code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    [this.status, this.closeCode, this.advice] = TABLE[code];
  }

  /** The close reason and the reason of a refused join: the code, then what to do. */
  get reason(): string {
    return `${this.code}: ${this.advice}`;
  }

  /** The JSON body of an HTTP refusal. */
  toJSON(): { code: Code; message: string; advice: string; docs: string } {
    const { code, message, advice } = this;
    return { code, message, advice, docs: `docs/PROTOCOL.md#${code}` };
  }
}

/** Turns whatever was thrown into a RelayError; an unknown one becomes `internal`. */
export function toRelayError(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  return new RelayError("internal", "The relay failed unexpectedly.", { cause: error });
}

/** A line of the log is read by people. */
const MAX_CAUSE = 500;

/** What caused a refusal, in a line for the log. Whatever looks like a token or a key is cut out. */
export function causeOf(error: RelayError): string | undefined {
  if (!(error.cause instanceof Error)) return undefined;
  const { name, message } = error.cause;
  return hideSecrets(`${name}: ${message}`).slice(0, MAX_CAUSE);
}

/** Cuts out whatever looks like a token, a key or a query, and of a URL the user and the password. */
export function hideSecrets(text: string): string {
  // Word by word: it may hold what a stranger sent, and a pattern for a whole token would look for its
  // end from each of 64,000 letters.
  return text.replace(/\?\S*|\/\/[^/?#\s]*@|[\w.-]+/g, (word) => {
    if (word.startsWith("//")) return "//(hidden)@";
    return isSecret(word) ? "(hidden)" : word;
  });
}

/** A query, a key, or a token: three parts, of which the first two are never short. */
function isSecret(word: string): boolean {
  const parts = word.split(".");
  return word.startsWith("?") || word.includes("sb_") ||
    parts.some(({ length }, n) => length >= 8 && n + 2 < parts.length && parts[n + 1].length >= 8);
}
