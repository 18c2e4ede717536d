import { NoAnswer } from "../ask/connect.ts";
import { ask } from "../ask/raw_http.ts";
import { parseObject } from "../ask/parse_object.ts";
import { type Check, found, ok, skipped } from "../check.ts";

/** What a relay's health says; what else answers there is none. */
export interface Health {
  checks: Check[];
  /** When its worker began, in milliseconds since 1970. Undefined where it is not well, or none. */
  since?: number;
  /** Whose tokens it takes beside the project's. */
  issuers: string[];
}

/** The wall clock of a worker on a paid hosted project; self-host has 60 s or this. */
const LONGEST_WORKER_S = 400;

/**
 * What Edge Runtime says of a function that is there: hosted, and in self-hosted Supabase's main. Where
 * that one finds no entry point, nothing is deployed.
 */
const CRASHED =
  /"code":"(?:BOOT_ERROR|WORKER_ERROR|WORKER_(?:RESOURCE_)?LIMIT|SUPABASE_EDGE_RUNTIME_ERROR)"|"msg":"(?:InvalidWorkerCreation: (?![^"]*(?:failed to read path|entrypoint))|InvalidWorkerResponse|WorkerRequestCancelled)/;

/** A list of origins may be long. */
const MAX_BYTES = 65_536;

/** Asks a relay for its health; `isAsked`: the address is a relay's, and not only may have one. */
export async function askHealth(relay: URL, waitMs: number, isAsked: boolean): Promise<Health> {
  const ends = (check: Check): Health => ({ checks: [check], issuers: [] });
  const question = { upgrade: false, waitMs, most: MAX_BYTES };
  const health = await ask(new URL(`${relay.href}/health`), question)
    .catch((error: NoAnswer) => error);
  if (health instanceof NoAnswer) return ends(found("relay_missing", health.message));
  const { status, body } = health;
  const report = parseObject(body) ?? {};
  const { problems } = report;
  if (report.status === "ok") {
    const well = readWell(report);
    if (well) return well;
  }
  if (report.status === "misconfigured" && Array.isArray(problems)) {
    return ends(found("relay_misconfigured", problems.map(String).join("; ")));
  }
  if (!isAsked) {
    const why = status === 401 ? "what is there wants a JWT first; give its URL" : "there is none";
    return ends(skipped("relay", `${relay.href}: ${why}`));
  }
  if (CRASHED.test(body)) return ends(found("relay_crashed", `HTTP ${status}: ${body}`));
  // The relay's own health asks for nothing, so it was somebody before it.
  if (status === 401) {
    return ends(found("relay_verify_jwt", `HTTP 401 at ${relay.pathname}/health`));
  }
  return ends(found("relay_missing", `HTTP ${status} at ${relay.pathname}/health`));
}

/** Undefined where the server that is "ok" is something else. */
function readWell(report: Record<string, unknown>): Health | undefined {
  const { version, upstream, anonymous } = report;
  const since = Date.parse(String(report.since));
  const { hs256, issuers } = (report.checks ?? {}) as Record<string, unknown>;
  if ([version, upstream, anonymous, hs256].some((it) => typeof it !== "string")) return undefined;
  if (Number.isNaN(since)) return undefined;
  const others = Array.isArray(issuers) ? issuers.map(String) : [];
  const also = others.length > 0 ? `, and tokens of ${others.join(", ")}` : "";
  const age = Math.round((Date.now() - since) / 1000);
  const life = age > LONGEST_WORKER_S
    ? ": no wall clock of hosted workers ends it"
    : "; a hosted worker ends, with its sockets, after 150 s or 400 s";
  const saw =
    `version ${version} for ${upstream}; HS256 by ${hs256}${also}; anonymous: ${anonymous}`;
  const checks = [ok("relay", saw, "relay_runs"), ok("relay", `up for ${age} s${life}`)];
  return { checks, since, issuers: others };
}
