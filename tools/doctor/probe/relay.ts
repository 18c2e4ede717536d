import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import type { FindingId } from "../findings/mod.ts";
import { type Answer, ask, NoAnswer } from "../raw_http.ts";
import { openSocket, settingOf } from "./channels.ts";
import { withQuery } from "./upgrade.ts";

/** Refusals that have a finding of their own; the others are told by their code. */
const IDS: Record<string, FindingId> = {
  origin_forbidden: "relay_origin",
  anonymous_refused: "relay_anonymous",
  token_missing: "relay_anonymous",
  secret_key: "secret_key",
  token_expired: "token_expired",
  token_signature: "token_signature",
};

/** The wall clock of a worker on a paid hosted project; self-host has 60 s or this. */
const LONGEST_WORKER_S = 400;

/** The relay's health, its verdict on the credential, and, where sockets open, one through it. */
export async function probeRelay(context: Context, isOpen: boolean): Promise<Check[]> {
  const { target, options: { waitMs } } = context;
  const isAsked = target.kind === "relay";
  if (!isAsked && (target.kind !== "project" || !target.project)) {
    return [skipped("relay", "the URL is Realtime's own")];
  }
  if (!isAsked && !isOpen) return [skipped("relay", "the upgrade fails on the way to it as well")];
  const relay = target.relay ?? new URL("functions/v1/relay", target.project);
  const health = await ask(new URL(`${relay.href}/health`), { upgrade: false, waitMs })
    .catch((error: NoAnswer) => error);
  const { checks, isWell, since } = readHealth(health, relay, isAsked);
  context.workerSince = since;
  if (!isWell) return checks;
  const verdict = await askVerdict(relay, context);
  if (!isOpen || verdict.some(({ state }) => state === "failed")) return [...checks, ...verdict];
  return [...checks, ...verdict, ...await join(relay, context)];
}

function readHealth(health: Answer | NoAnswer, relay: URL, isAsked: boolean) {
  const ends = (check: Check) => ({ checks: [check], isWell: false, since: undefined });
  if (health instanceof NoAnswer) return ends(found("relay_missing", health.message));
  const { status, body } = health;
  const report = parse(body);
  if (report?.status === "ok" && typeof report.since === "string") {
    const since = Date.parse(report.since);
    return { checks: tellHealth(report, since), isWell: true, since };
  }
  if (report?.status === "misconfigured") {
    const problems = (report.problems as string[]).join("; ");
    return ends(found("relay_misconfigured", problems));
  }
  if (!isAsked) {
    const why = status === 401 ? "what is there wants a JWT first; give its URL" : "there is none";
    return ends(skipped("relay", `${relay.href}: ${why}`));
  }
  // The relay's own health asks for nothing, so it was somebody before it.
  if (status === 401) {
    return ends(found("relay_verify_jwt", `HTTP 401 at ${relay.pathname}/health`));
  }
  return ends(found("relay_missing", `HTTP ${status} at ${relay.pathname}/health`));
}

function tellHealth(
  { version, checks, anonymous, upstream }: Record<string, unknown>,
  since: number,
): Check[] {
  const age = Math.round((Date.now() - since) / 1000);
  const { hs256 } = checks as { hs256: string };
  const life = age > LONGEST_WORKER_S
    ? ": no wall clock of hosted workers ends it"
    : "; a hosted worker ends, with its sockets, after 150 s or 400 s";
  return [
    ok("relay", `version ${version} for ${upstream}; HS256 by ${hs256}; anonymous: ${anonymous}`),
    ok("relay", `up for ${age} s${life}`),
  ];
}

/** The relay's own verdict on key, token and origin, by a plain GET. */
async function askVerdict(relay: URL, { options, target }: Context): Promise<Check[]> {
  const { token, origin, waitMs } = options;
  const key = options.key ?? target.key;
  if (!key && !token) return [skipped("relay", "no --key and no --token to be judged")];
  const answer = await ask(withQuery(relay, key), {
    ...{ upgrade: false, waitMs },
    headers: {
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(origin ? { Origin: origin } : {}),
    },
  }).catch((error: NoAnswer) => error);
  if (answer instanceof NoAnswer) return [found("relay_missing", answer.message)];
  const { code, message, advice } = parse(answer.body) ?? {};
  if (code === "upgrade_required") return [ok("relay", "its verdict: the credential is good")];
  if (typeof code !== "string") return [found("relay_missing", `HTTP ${answer.status} to a GET`)];
  return [found(IDS[code] ?? "relay_refuses", `${code}: ${message} ${advice}`)];
}

/** A socket through the relay, and a join: the relay dials Realtime for it. */
async function join(relay: URL, context: Context): Promise<Check[]> {
  const { key, token } = context.options;
  if (!key && !token && !context.target.key) return [];
  const socketUrl = new URL(`${relay.href}/websocket`);
  const target = { ...context.target, kind: "relay" as const, socket: socketUrl };
  const socket = await openSocket({ ...context, target });
  if (!socket) return [found("relay_no_upstream", "the socket through the relay does not open")];
  try {
    const topic = `realtime:doctor-${crypto.randomUUID()}`;
    const reply = await socket.reply(socket.push(topic, "phx_join", { config: {} }, true));
    const { status, response } = reply?.payload ?? {};
    if (status === "ok") return [ok("relay", "a channel was joined through it")];
    const { reason } = (response ?? {}) as { reason?: string };
    const setting = settingOf(reason ?? "");
    if (setting) return [ok("relay", `it lets in to ${setting}`)];
    const why = reason ?? socket.closed?.reason ?? "no answer to a join";
    return [found(/^upstream/.test(why) || !reply ? "relay_no_upstream" : "relay_refuses", why)];
  } finally {
    socket.close();
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined; // Some other server's page.
  }
}
