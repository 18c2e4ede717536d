import { NOTICES } from "../../../../supabase/functions/relay/door/credential.ts";
import { NoAnswer } from "../../ask/connect.ts";
import { ask } from "../../ask/raw_http.ts";
import type { Answer } from "../../ask/receive.ts";
import { withQuery } from "../../ask/with_query.ts";
import { type Context, keyOf } from "../../context.ts";
import type { FindingId } from "../../findings/mod.ts";
import { probeName } from "../name.ts";
import { readAnswer, type Reading } from "./answer.ts";

export interface Asked {
  answer: Answer | NoAnswer;
  /** Undefined where the socket opens. */
  reading: Reading | undefined;
}

/** Asks for the upgrade at a URL, as the target's clients do; `host` is in place of the URL's own. */
export async function askUpgrade(url: URL, context: Context, host?: string): Promise<Asked> {
  const { options, target } = context;
  const key = keyOf(context);
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
  const sent = { url, key, protocol, isRelay: target.kind === "relay" };
  return { answer, reading: readAnswer(answer, sent) };
}

/** Findings about what is not there, which another way of asking may explain. */
const PATHS: FindingId[] = ["path_wrong", "page_answered", "refused_otherwise"];
const NOWHERE: FindingId[] = ["path_wrong", "page_answered"];
/** Findings about a key whose signature Realtime does not verify. */
const SIGNERS: FindingId[] = ["key_signature", "key_algorithm"];
const TENANTS: FindingId[] = ["tenant_not_found", "refused_403"];

export const tenantHost = ({ options }: Context) => `${options.tenant}.localhost`;

/**
 * What the same host says where it redirects to: it redirects back, or a site that sends every path to
 * a page of its own. What a server wrote there may hold the key, so it is asked without its query, and
 * at no other port.
 */
async function readRedirect(to: URL, front: URL, { options }: Context): Promise<FindingId> {
  const isHost = to.host === front.host ||
    to.hostname === front.hostname && !to.port && !front.port;
  if (!isHost) return "redirect";
  const location = new URL(to);
  location.search = "";
  const answer = await ask(location, { waitMs: options.waitMs }).catch(() => undefined);
  const reading = answer && readAnswer(answer, { url: location });
  const isElsewhere = location.pathname.replace(/\/$/, "") !== front.pathname;
  if (isElsewhere && reading && NOWHERE.includes(reading.id)) return reading.id;
  if (!reading?.location) return "redirect";
  const { origin, pathname } = reading.location;
  const isBack = [front, location].some((it) => origin === it.origin && pathname === it.pathname);
  return isBack ? "redirect_circle" : "redirect";
}

/** Whether it is the port itself, asked by http, that wants TLS, and none behind it. */
async function speaksTls(front: URL, context: Context): Promise<boolean> {
  if (front.protocol === "https:") return false;
  const port = new URL(`https://${front.hostname}:${front.port || 80}`);
  const checks = await probeName(port, context.options.waitMs);
  return !checks.some(({ id }) => id === "tls_failed");
}

/** Asks in other ways: one that passes tells what the proxy does to the request. */
export async function explain(
  { id, location }: Reading,
  front: URL,
  context: Context,
): Promise<FindingId> {
  if (id === "redirect" && location) return await readRedirect(location, front, context);
  if (id === "https_wanted") {
    return await speaksTls(front, context) ? id : "https_wanted_behind";
  }
  if (context.keyVerified && SIGNERS.includes(id)) return "server_secret_differs";
  const asks = async (path: string, host?: string) =>
    (await askUpgrade(new URL(path, front), context, host)).reading;
  const opens = async (path: string, host?: string) => !await asks(path, host);
  const { pathname } = front;
  if (PATHS.includes(id) && pathname.endsWith("/realtime/v1/websocket")) {
    const at = (path: string) => pathname.replace("/realtime/v1", path);
    const [doubled, halfDoubled, cut, bare] = await Promise.all([
      opens(at("/realtime/v1/realtime/v1")),
      opens(at("/realtime/realtime/v1")),
      opens(at("")),
      asks(at("/socket")),
    ]);
    if (doubled || halfDoubled) return "path_lost";
    if (cut) return "path_doubled";
    // Whatever Realtime says there, it is the path that leads to it.
    if (!bare || bare.fromRealtime) return "path_unmapped";
  }
  if (TENANTS.includes(id) && await opens(pathname, tenantHost(context))) return "host_not_tenant";
  return id;
}
