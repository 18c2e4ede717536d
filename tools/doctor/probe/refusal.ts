import { type Context, keyOf } from "../context.ts";
import type { FindingId } from "../findings/mod.ts";
import type { Fact } from "../judge/known.ts";
import { decode } from "./keys/jwt.ts";

/** Realtime's reasons that are about how many there are. */
const LIMITS =
  /^(?:IncreaseConnectionPool|(?:Client|Channel)?(?:Join)?RateLimitReached|TooMany\w+|\w+RateLimitReached)\b/;
/** Realtime's reasons that are about its way to the database. */
const DATABASE =
  /^(?:UnableToConnectTo\w+|UnableCheckoutConnection|Database(?:ConnectionIssue|LackOfConnections)|Initializing\w+|ConnectionInitializing|RealtimeRestarting|TimeoutOnRpcCall|Realtime was unable to connect)\b/;
/** What a server says of any version to whom the policies do not let in. */
const RIGHTS = /unauthorized|permission/i;
/** Realtime's reasons that are about whose signature it is; not about a token's age. */
const SIGNATURES =
  /^(?:JwtSign\w+|JwtSigner\w+|MalformedJWT)\b|Failed to (?:validate JWT signature|generate JWT signer)/;
/** What a relay says to whom it knows nothing of. */
const NOBODY = /^(?:token_missing|anonymous_refused)\b/;

/** A finding about what Realtime itself is short of, where a refused join says so. */
export function limitOf(reason: string): FindingId | undefined {
  if (LIMITS.test(reason)) return "join_limited";
  return DATABASE.test(reason) ? "database_unreached" : undefined;
}

/** What the refusal of a join of a public channel is a sign of. */
export function idOfRefusal(reason: string, context: Context): FindingId {
  const { token } = context.options;
  const limit = limitOf(reason);
  if (limit) return limit;
  const isRelay = context.target.kind === "relay";
  if (isRelay && NOBODY.test(reason) && !token && !keyOf(context)) return "credential_missing";
  if (token && /^InvalidJWTToken: Token has expired/.test(reason)) return "token_expired";
  if (context.issuer && SIGNATURES.test(reason)) return "token_other_issuer";
  if (token && SIGNATURES.test(reason)) {
    // A relay judges the token before Realtime sees it, and says no in words of its own.
    return isRelay || context.tokenVerified ? "realtime_refuses_token" : "token_signature";
  }
  return "join_refused";
}

/** What the refusal of a private channel is a sign of; not each is about its policies. */
export function idOfPrivate(reason: string): FindingId {
  if (/^MissingPartition\b/.test(reason)) return "partition_missing";
  return limitOf(reason) ?? (RIGHTS.test(reason) ? "private_refused" : "private_failed");
}

/** What a join shows that was let in, with the user's token where one is given. */
export function joinShows(token: string | undefined): Fact[] {
  const jwt = token ? decode(token) : undefined;
  if (!jwt) return ["joins"];
  return jwt.header.kid && jwt.header.alg !== "HS256"
    ? ["joins", "kid_joins"]
    : ["joins", "token_joins"];
}

/** What the refusal of a subscription to changes is a sign of. */
export function idOfChanges(reason: string): FindingId {
  if (/role "?[^"\n]{1,80}"? does not exist/.test(reason)) return "role_missing";
  // An error in the statements that Realtime itself subscribes by.
  if (
    /42703|42883|42P01|(?:column|relation|function|type) "?[^\n]{0,80}(?:subscription|filter|equality_op)[^\n]{0,80} does not exist/
      .test(reason)
  ) {
    return "realtime_schema_behind";
  }
  return limitOf(reason) ?? "changes_refused";
}
