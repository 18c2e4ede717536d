import { NoAnswer } from "../ask/connect.ts";
import { parseObject } from "../ask/parse_object.ts";
import { ask } from "../ask/raw_http.ts";
import { withQuery } from "../ask/with_query.ts";
import { type Check, found, ok, skipped } from "../check.ts";
import { type Context, keyOf, type Target } from "../context.ts";
import type { FindingId } from "../findings/mod.ts";
import { recognise, tracesOf } from "../identify/recognise.ts";
import { issuerPaste } from "./keys/issuer.ts";
import { decode } from "./keys/jwt.ts";
import { askHealth } from "./relay_health.ts";
import { idOfRefusal } from "./refusal.ts";
import { join, openSocket, ownTopic, settingOf } from "./socket.ts";
import { findGateway } from "./upgrade/gateway.ts";
import { askUpgrade } from "./upgrade/ways.ts";

/** Refusals that have a finding of their own; the others are told by their code. */
const IDS: Record<string, FindingId> = {
  origin_forbidden: "relay_origin",
  anonymous_refused: "relay_anonymous",
  secret_key: "secret_key",
  token_expired: "token_expired",
  token_signature: "token_signature",
  key_unknown: "relay_key_unknown",
  auth_unavailable: "relay_no_upstream",
};

/** The relay's health, its verdict on the credential, and, where sockets open, one through it. */
export async function probeRelay(context: Context, isOpen: boolean): Promise<Check[]> {
  const { target, options: { waitMs } } = context;
  const isAsked = target.kind === "relay";
  if (!isAsked && (target.kind !== "project" || !target.project)) {
    return [skipped("relay", "the URL is Realtime's own")];
  }
  if (!isAsked && !isOpen) return [skipped("relay", "the upgrade fails on the way to it as well")];
  const relay = target.relay ?? new URL("functions/v1/relay", target.project);
  const { checks, since, issuers } = await askHealth(relay, waitMs, isAsked);
  context.workerSince = since;
  if (since === undefined) return checks;
  const verdict = await askVerdict(relay, context, issuers);
  if (!isOpen || verdict.some(({ state }) => state === "failed")) return [...checks, ...verdict];
  return [...checks, ...verdict, ...await joinThrough(relay, context)];
}

/** The relay's own verdict on key, token and origin, by a plain GET. */
async function askVerdict(relay: URL, context: Context, issuers: string[]): Promise<Check[]> {
  const { token, origin, waitMs } = context.options;
  const key = keyOf(context);
  if (!key && !token) return [skipped("relay", "no --key and no --token to be judged")];
  const answer = await ask(withQuery(relay, key), {
    ...{ upgrade: false, waitMs },
    headers: {
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(origin ? { Origin: origin } : {}),
    },
  }).catch((error: NoAnswer) => error);
  if (answer instanceof NoAnswer) return [found("relay_missing", answer.message)];
  const { code, message, advice } = parseObject(answer.body) ?? {};
  if (code === "upgrade_required") {
    return [ok("relay", "its verdict: the credential is good", "relay_takes")];
  }
  if (typeof code !== "string") return [found("relay_missing", `HTTP ${answer.status} to a GET`)];
  // A legacy key is a JWT: one that is not the project's own is judged as a user's token.
  if (!token && OF_KEYS.test(code)) return [found("relay_key_unknown", `${code}: ${message}`)];
  const isUnknown = context.issuer && !issuers.includes(context.issuer) && OF_KEYS.test(code);
  const id = isUnknown
    ? "relay_issuer_unknown"
    : Object.hasOwn(IDS, code)
    ? IDS[code]
    : "relay_refuses";
  return [found(id, `${code}: ${message} ${advice}`, { paste: pasteOf(id, context) })];
}

/** Refusals of a JWT whose issuer a relay does not know: by other keys, or other claims. */
const OF_KEYS = /^token_(?:signature|rejected|audience|issuer|algorithm)$/;

/** The setting that lets this very origin, or issuer, in. */
function pasteOf(id: FindingId, { options: { origin, token } }: Context): string[] | undefined {
  if (id === "relay_issuer_unknown") return issuerPaste(decode(token!)!);
  if (id !== "relay_origin" || !origin) return undefined;
  return [
    `supabase secrets set RELAY_ORIGINS=${origin}`,
    `# self-hosted, .env: RELAY_ORIGINS=${origin}`,
  ];
}

/** A socket through the relay, and a join: the relay dials Realtime for it. */
async function joinThrough(relay: URL, context: Context): Promise<Check[]> {
  if (!keyOf(context) && !context.options.token) return [];
  const socketUrl = new URL(`${relay.href}/websocket`);
  const target = { ...context.target, kind: "relay" as const, socket: socketUrl };
  const socket = await openSocket({ ...context, target });
  if (!socket) {
    context.gateway ??= await findGateway(context);
    return [await lookAtShut(context, target)];
  }
  try {
    const reply = await socket.reply(join(socket, ownTopic(), {}, context.options.token));
    const { status, response } = reply?.payload ?? {};
    if (status === "ok") return [ok("relay", "a channel was joined through it", "relay_joins")];
    const { reason } = (response ?? {}) as { reason?: unknown };
    const said = typeof reason === "string" ? reason : undefined;
    const setting = settingOf(said ?? "", context);
    if (setting) return [ok("relay", `it lets in to ${setting}`, "relay_opens")];
    const why = said ?? (socket.closed?.reason || "no answer to a join");
    const isUpstream = /^upstream/.test(why) || !reply;
    const id = isUpstream ? "relay_no_upstream" : idOfRefusal(why, { ...context, target });
    return [found(id === "join_refused" ? "relay_refuses" : id, why, { shows: ["relay_opens"] })];
  } finally {
    socket.close();
  }
}

/** Why the socket to a relay that is well does not open: what is asked raw tells. */
async function lookAtShut(context: Context, target: Target): Promise<Check> {
  const at = target.socket;
  const { answer, reading } = await askUpgrade(at, { ...context, target });
  if (!reading) return found("relay_shut", "it opened when it was asked again", { at });
  const isDropped = ["upgrade_dropped", "http_version"].includes(reading.id);
  const isAnswer = !(answer instanceof NoAnswer);
  context.proxy ??= isAnswer ? recognise(answer) : undefined;
  const traces = isAnswer ? tracesOf(answer) : "";
  const saw = `${at.pathname}: ${reading.saw}${traces}`;
  const hop = "the front";
  return found(isDropped ? "relay_upgrade_dropped" : "relay_shut", saw, { at, hop });
}
