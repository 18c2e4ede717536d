import { ask } from "../ask/raw_http.ts";
import type { Answer } from "../ask/receive.ts";
import { type Check, ok, skipped } from "../check.ts";
import type { Kind, Target } from "../context.ts";
import type { Options } from "../options.ts";
import { isSupabase } from "../probe/upgrade/words.ts";
import { projectUrl } from "./address.ts";
import { type Page, readPage } from "./page.ts";

const REALTIME = "realtime/v1/websocket";
const NAMES: Record<Kind, string> = {
  project: "a Supabase project",
  realtime: "a Realtime endpoint",
  relay: "a relay",
};

/**
 * Finds out what the URL is: by its path where that says it, else by asking. An address that tells
 * nothing is taken for a project, so that the next probe says why it does not answer like one.
 */
export async function identify(options: Options): Promise<{ target: Target; checks: Check[] }> {
  const { url } = options;
  // A relay and Realtime have paths of their own; whatever else is below a project stands for it.
  const byPath = fromPath(url);
  if (byPath) return { target: byPath, checks: [tell(byPath, "by its path")] };
  const base = projectUrl(url);
  const [relay, auth, realtime, page] = await Promise.all([
    look(new URL("relay/health", base), options.waitMs),
    look(new URL("auth/v1/health", base), options.waitMs),
    look(new URL(REALTIME, base), options.waitMs),
    readPage(new URL(url.pathname, url.origin), options.waitMs),
  ]);
  if (relay && isRelayHealth(relay)) {
    const target = relayTarget(new URL("relay", base));
    return { target, checks: [tell(target, "by its health"), ...page.checks] };
  }
  const target = projectTarget(base);
  if (isProject(auth) || isProject(realtime)) {
    return { target, checks: [tell(target, "by its answers"), ...page.checks] };
  }
  const named = fromPage(page) ?? await firstProject(page, options.waitMs);
  return { target: named ?? target, checks: [tellPage(named, target), ...page.checks] };
}

function fromPath(url: URL): Target | undefined {
  const path = url.pathname.replace(/\/(websocket)?$/, "");
  const base = (length: number) => new URL(path.slice(0, length) + "/", url.origin);
  if (path.endsWith("/realtime/v1")) {
    const project = base(-"/realtime/v1".length);
    return { kind: "realtime", socket: new URL(REALTIME, project), project };
  }
  if (path.endsWith("/socket")) {
    return { kind: "realtime", socket: new URL(`${path}/websocket`, url.origin) };
  }
  const relay = /^(.*?)(\/functions\/v1)?\/relay(\/health)?$/.exec(path);
  if (!relay) return undefined;
  const project = relay[2] ? new URL(`${relay[1]}/`, url.origin) : undefined;
  return relayTarget(new URL(path.replace(/\/health$/, ""), url.origin), project);
}

const projectTarget = (project: URL): Target => ({
  kind: "project",
  socket: new URL(REALTIME, project),
  project,
});

const relayTarget = (relay: URL, project?: URL): Target => ({
  kind: "relay",
  socket: new URL(`${relay.href}/websocket`),
  relay,
  project,
});

function fromPage({ relay, project, key }: Page): Target | undefined {
  if (relay) return { ...relayTarget(relay, project), key };
  return project && { ...projectTarget(project), key };
}

function tell(target: Target, how: string): Check {
  const place = target.project ?? target.relay ?? target.socket;
  const path = target.kind === "project" ? place.pathname.replace(/\/$/, "") : "";
  return ok("name", `${target.socket.origin}${path} is ${NAMES[target.kind]}, ${how}`);
}

/** Of the addresses that a page's scripts hold, the first that answers as a project. */
async function firstProject({ others, key }: Page, waitMs: number): Promise<Target | undefined> {
  const answers = await Promise.all(
    others.map((it) => look(new URL("auth/v1/health", it), waitMs)),
  );
  const project = others[answers.findIndex(isProject)];
  return project && { ...projectTarget(project), key };
}

function tellPage(target: Target | undefined, fallback: Target): Check {
  if (target) return tell(target, "and the page at the URL uses it");
  return skipped(
    "name",
    `what ${fallback.socket.origin} is: nothing tells, so take it for a project`,
  );
}

async function look(url: URL, waitMs: number): Promise<Answer | undefined> {
  return await ask(url, { upgrade: false, waitMs }).catch(() => undefined);
}

/** Many a server is "ok" and of some version. */
function isRelayHealth({ body }: Answer): boolean {
  return /"status":"(ok|misconfigured)"/.test(body) && /"upstream"|"problems"/.test(body);
}

/** A page answers HTML for whatever it is asked, and many a server JSON; these words are Supabase's. */
function isProject(answer: Answer | undefined): boolean {
  if (!answer || answer.status >= 500) return false;
  return isSupabase(answer.body);
}
