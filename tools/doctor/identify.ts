import { type Check, ok, skipped } from "./check.ts";
import type { Kind, Target } from "./context.ts";
import type { Options } from "./options.ts";
import { type Page, readPage } from "./page.ts";
import { type Answer, ask } from "./raw_http.ts";

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
  const byPath = fromPath(url);
  if (byPath) return { target: byPath, checks: [tell(byPath, "by its path")] };
  const base = withSlash(url);
  const [relay, auth, realtime, page] = await Promise.all([
    look(new URL("relay/health", base), options.waitMs),
    look(new URL("auth/v1/health", base), options.waitMs),
    look(new URL(REALTIME, base), options.waitMs),
    readPage(base, options.waitMs),
  ]);
  if (relay && isRelayHealth(relay)) {
    const target = relayTarget(new URL("relay", base));
    return { target, checks: [tell(target, "by its health"), ...page.checks] };
  }
  const target = projectTarget(base);
  if (isProject(auth) || isProject(realtime)) {
    return { target, checks: [tell(target, "by its answers"), ...page.checks] };
  }
  return { target: fromPage(page) ?? target, checks: [tellPage(page, target), ...page.checks] };
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
  return ok("name", `${target.socket.origin} is ${NAMES[target.kind]}, ${how}`);
}

function tellPage(page: Page, fallback: Target): Check {
  const target = fromPage(page);
  if (target) return tell(target, "and the page at the URL uses it");
  return skipped(
    "name",
    `what ${fallback.socket.origin} is: nothing tells, so take it for a project`,
  );
}

function withSlash(url: URL): URL {
  return new URL(url.pathname.replace(/\/*$/, "/"), url.origin);
}

async function look(url: URL, waitMs: number): Promise<Answer | undefined> {
  return await ask(url, { upgrade: false, waitMs }).catch(() => undefined);
}

function isRelayHealth({ body }: Answer): boolean {
  return /"status":"(ok|misconfigured)"/.test(body) && /"version"|"problems"/.test(body);
}

/** A page answers HTML for whatever it is asked; Supabase's parts answer JSON, or in words. */
function isProject(answer: Answer | undefined): boolean {
  if (!answer || answer.status === 404 || answer.status >= 500) return false;
  if (answer.status >= 300 && answer.status < 400) return false;
  const type = answer.headers.get("content-type") ?? "";
  return type.includes("json") || /'connection' header|"error"/.test(answer.body);
}
