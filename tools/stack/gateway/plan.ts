import type { IncomingMessage } from "node:http";
import type { Keys } from "../keys.ts";
import { dropKey, keyInQuery, swapAuthorization, swapQuery, tokenForKey } from "./api_key.ts";
import { frontPage, projectPage } from "./front_page.ts";
import type { EdgeFunction } from "./function.ts";
import { allFields, change, endToEnd, type Fields, forwarded } from "./headers.ts";
import {
  BAD_HOST,
  NO_FUNCTION,
  NO_KEY,
  NOT_FOUND,
  OLD_HTTP,
  type Refusal,
  unavailable,
  UNKNOWN_KEY,
} from "./refuse.ts";
import { type Route, route } from "./route.ts";

/** A server that runs in this very process. */
export type Handler = (request: Request) => Promise<Response>;

/** Who answers behind the gateway: a server's `http://host:port`, or a handler in this process. */
export interface Targets {
  /** REST and Auth. */
  api?: Handler;
  /** Default: there is no Storage, and no path of it. */
  storage?: Handler;
  realtime?: string;
  relay?: string;
  redirect?: string;
  /** Those of a project, by their names: one named `relay` takes the place of the stack's own. */
  functions?: Map<string, EdgeFunction>;
  /** Everything outside of Supabase's own paths. Default: a short index at `/`. */
  site?: Handler;
}

/** What the gateway asks of whom, once a request is found good. */
export interface Passage {
  /** For messages: "Realtime". */
  part: string;
  target: string | Handler | EdgeFunction;
  /** With its query. */
  path: string;
  fields: Fields;
}

const PARTS: Record<Route["to"], string> = {
  rest: "REST",
  auth: "Auth",
  storage: "Storage",
  realtime: "Realtime",
  relay: "The relay",
  redirect: "The redirect function",
  function: "The function",
  site: "The site",
};

/** Realtime's tenant is the first label of its Host; self-hosted gateways name it like this. */
const REALTIME_HOST = "realtime-dev.localhost";

/** A name or an address, with or without a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** Whether the request is a WebSocket to be: of all upgrades only these mean something here. */
export function isSocket(request: IncomingMessage): boolean {
  const to = route(split(request)[0])?.to;
  return /(?:^|,)\s*websocket\s*(?:,|$)/i.test(request.headers.upgrade ?? "") &&
    (to === "realtime" || to === "relay" || to === "redirect" || to === "function");
}

/** Decides where a request goes and what becomes of its keys; a refusal if it goes nowhere. */
export function plan(request: IncomingMessage, keys: Keys, targets: Targets): Passage | Refusal {
  // The address that a part is asked for is made of it, and may begin no path of its own.
  if (!HOST.test(request.headers.host ?? "none")) return BAD_HOST;
  const [pathname, query] = split(request);
  const found = route(pathname);
  if (!found || (found.to === "storage" && !targets.storage)) return NOT_FOUND;
  const { to, path, keyed } = found;
  const header = request.headers.apikey as string | undefined;
  const key = header ?? keyInQuery(query);
  const token = tokenForKey(keys, key);
  if (keyed && !token) return key ? UNKNOWN_KEY : NO_KEY;
  // Gateways speak HTTP/1.1 to what is behind them: what is no upgrade gets there.
  const isOld = request.httpVersion === "1.0";
  if (to === "realtime" && isOld && isSocket(request)) return OLD_HTTP;
  const part = PARTS[to];
  const target = targetOf(found, targets);
  if (!target) return isNoFunction(to, targets) ? NO_FUNCTION : unavailable(part);

  // An upgrade is about the connection itself, so there its fields go on.
  const fields = change(
    isSocket(request) ? allFields(request) : endToEnd(request),
    forwarded(request),
  );
  const authorization = swapAuthorization(request.headers.authorization, token);
  switch (to) {
    case "rest":
    case "auth":
    case "storage":
      return {
        ...{ part, target, path: path + dropKey(query) },
        fields: change(fields, { apikey: token, authorization }),
      };
    case "realtime":
      return {
        ...{ part, target, path: path + swapQuery(keys, query) },
        fields: change(fields, {
          host: REALTIME_HOST,
          apikey: header && (token ?? header),
          authorization,
        }),
      };
    default:
      return { part, target, path: path + query, fields };
  }
}

/** A project has no redirect function unless it has one of its own; the relay may be starting. */
const isNoFunction = (to: Route["to"], { functions }: Targets) =>
  to === "function" || (to === "redirect" && functions !== undefined);

function targetOf({ to, name }: Route, targets: Targets): Passage["target"] | undefined {
  const { functions } = targets;
  switch (to) {
    case "rest":
    case "auth":
      return targets.api;
    case "relay":
    case "redirect":
      return functions?.get(name!) ?? targets[to];
    case "function":
      return functions?.get(name!);
    case "site":
      return targets.site ?? (functions ? projectPage(functions.keys()) : frontPage);
    default:
      return targets[to];
  }
}

/** Path and query (with its `?`) as they came; a proxy's absolute form loses its origin. */
function split(request: IncomingMessage): [pathname: string, query: string] {
  const [, pathname, query = ""] = request.url!.match(/^(?:https?:\/\/[^/?]*)?([^?]*)(.*)$/s)!;
  return [pathname, query];
}
