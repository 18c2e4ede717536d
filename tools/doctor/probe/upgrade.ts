import { NOTICES } from "../../../supabase/functions/relay/credential.ts";
import { type Check, found, ok } from "../check.ts";
import type { Context, Target } from "../context.ts";
import type { FindingId } from "../findings/mod.ts";
import type { Options } from "../options.ts";
import { type Answer, ask, NoAnswer } from "../raw_http.ts";
import { recognise, tracesOf } from "../recognise.ts";
import { readAnswer, type Reading } from "./answer.ts";

/** One server on the way from the browser to Realtime. */
interface Hop {
  name: "the front" | "the gateway" | "Realtime";
  url: URL;
}

/** Findings about what is not there, which another way of asking may explain. */
const PATHS: FindingId[] = ["path_wrong", "page_answered", "refused_otherwise"];
/** Said by Realtime, done by a proxy before it. */
const OF_PROXIES: FindingId[] = [
  "upgrade_dropped",
  "http_version",
  "query_dropped",
  "host_not_tenant",
];
const TENANTS: FindingId[] = ["tenant_not_found", "refused_403"];

/** Asks for the upgrade at the front, and where that fails, at each hop behind it. */
export async function probeUpgrade(context: Context): Promise<Check[]> {
  const { options, target } = context;
  const [front, ...behind] = hopsOf(options, target);
  const { answer, reading } = await open(front.url, context);
  const isAnswer = !(answer instanceof NoAnswer);
  context.proxy = options.proxy ?? (isAnswer ? recognise(answer) : undefined);
  const traces = isAnswer ? tracesOf(answer) : "";
  if (!reading) return [ok("upgrade", `101 at ${front.url.origin}${front.url.pathname}${traces}`)];
  const results = await Promise.all(behind.map((hop) => openBehind(hop, context)));
  const id = await explain(reading, front.url, context);
  const others = results.map(({ hop, reading }): Check => ({
    area: "upgrade",
    state: reading ? "failed" : "ok",
    saw: `${hop.name} by itself (${hop.url.origin}): ${reading?.saw ?? "101"}`,
  }));
  const hop = blame({ ...reading, id }, results);
  return [found(id, `${reading.saw}${traces}`, { area: "upgrade", hop }), ...others];
}

/** Realtime is asked as its gateway would: by its tenant's name. Only a gateway knows opaque keys. */
async function openBehind(hop: Hop, context: Context) {
  const host = hop.name === "Realtime" ? tenantHost(context) : undefined;
  const { reading } = await open(hop.url, context, host);
  const isWell = hop.name === "Realtime" && reading?.id === "key_not_swapped";
  return { hop, reading: isWell ? undefined : reading };
}

/** The hop that fails and is nearest to Realtime; where none behind was asked, whose words it were. */
function blame(reading: Reading, behind: { hop: Hop; reading: Reading | undefined }[]): string {
  const failing = behind.findLast((it) => it.reading)?.hop;
  if (failing) return failing.name;
  const passing = behind[0]?.hop;
  if (passing) return passing.name === "Realtime" ? "the front or the gateway" : "the front";
  const ofRealtime = reading.fromRealtime || reading.id === "refused_403";
  return ofRealtime && !OF_PROXIES.includes(reading.id) ? "Realtime" : "the front";
}

function hopsOf({ direct, realtime }: Options, { socket }: Target): [Hop, ...Hop[]] {
  const hops: [Hop, ...Hop[]] = [{ name: "the front", url: socket }];
  if (direct) hops.push({ name: "the gateway", url: at(direct, "realtime/v1/websocket") });
  if (realtime) hops.push({ name: "Realtime", url: at(realtime, "socket/websocket") });
  return hops;
}

function at(base: URL, path: string): URL {
  return base.pathname.endsWith("/websocket") ? base : new URL(path, base);
}

async function open(
  url: URL,
  { options, target }: Context,
  host?: string,
): Promise<{ answer: Answer | NoAnswer; reading: Reading | undefined }> {
  const key = options.key ?? target.key;
  const protocol = target.kind === "relay" ? NOTICES : undefined;
  const answer = await ask(withQuery(url, key), {
    waitMs: options.waitMs,
    headers: {
      ...(host ? { Host: host } : {}),
      ...(options.origin ? { Origin: options.origin } : {}),
      ...(protocol ? { "Sec-WebSocket-Protocol": protocol } : {}),
    },
  }).catch((error) => {
    if (error instanceof NoAnswer) return error;
    throw error;
  });
  return { answer, reading: readAnswer(answer, { key, protocol }) };
}

/** As realtime-js asks. */
export function withQuery(url: URL, key: string | undefined): URL {
  const result = new URL(url);
  if (key) result.searchParams.set("apikey", key);
  result.searchParams.set("vsn", "1.0.0");
  return result;
}

/** Asks in other ways: one that passes tells what the proxy does to the request. */
async function explain({ id }: Reading, front: URL, context: Context): Promise<FindingId> {
  if (id === "key_signature" && context.keyVerified) return "server_secret_differs";
  const asks = async (path: string, host?: string) =>
    (await open(new URL(path, front), context, host)).reading;
  const opens = async (path: string, host?: string) => !await asks(path, host);
  const { pathname } = front;
  if (PATHS.includes(id) && pathname.endsWith("/realtime/v1/websocket")) {
    const [doubled, cut, bare] = await Promise.all([
      opens(pathname.replace("/realtime/v1", "/realtime/v1/realtime/v1")),
      opens(pathname.replace("/realtime/v1", "")),
      asks("/socket/websocket"),
    ]);
    if (doubled) return "path_lost";
    if (cut) return "path_doubled";
    // Whatever Realtime says there, it is the path that leads to it.
    if (!bare || bare.fromRealtime) return "path_unmapped";
  }
  if (TENANTS.includes(id) && await opens(pathname, tenantHost(context))) return "host_not_tenant";
  return id;
}

const tenantHost = ({ options }: Context) => `${options.tenant}.localhost`;
