import type { IncomingMessage } from "node:http";
import type { Keys } from "../keys.ts";
import type { Handler } from "./answer.ts";
import { dropKey, keyInQuery, swapAuthorization, swapQuery, tokenForKey } from "./api_key.ts";
import { frontPage } from "./front_page.ts";
import { allFields, change, endToEnd, type Fields, forwarded } from "./headers.ts";
import { NO_KEY, NOT_FOUND, type Refusal, unavailable, UNKNOWN_KEY } from "./refuse.ts";
import { type Route, route } from "./route.ts";

/** Who answers behind the gateway: a server's `http://host:port`, or a handler in this process. */
export interface Targets {
  /** REST and Auth. */
  api?: Handler;
  realtime?: string;
  relay?: string;
  redirect?: string;
  /** Everything outside of Supabase's own paths. Default: a short index at `/`. */
  site?: Handler;
}

/** What the gateway asks of whom, once a request is found good. */
export interface Passage {
  /** For messages: "Realtime". */
  part: string;
  target: string | Handler;
  /** With its query. */
  path: string;
  fields: Fields;
}

const PARTS: Record<Route["to"], string> = {
  rest: "REST",
  auth: "Auth",
  realtime: "Realtime",
  relay: "The relay",
  redirect: "The redirect function",
  site: "The site",
};

/** Realtime's tenant is the first label of its Host; self-hosted gateways name it like this. */
const REALTIME_HOST = "realtime-dev.localhost";

/** Whether the request is a WebSocket to be: of all upgrades only these mean something here. */
export function isSocket(request: IncomingMessage): boolean {
  const to = route(split(request)[0])?.to;
  return request.headers.upgrade?.toLowerCase() === "websocket" &&
    (to === "realtime" || to === "relay" || to === "redirect");
}

/** Decides where a request goes and what becomes of its keys; a refusal if it goes nowhere. */
export function plan(request: IncomingMessage, keys: Keys, targets: Targets): Passage | Refusal {
  const [pathname, query] = split(request);
  const found = route(pathname);
  if (!found) return NOT_FOUND;
  const { to, path, keyed } = found;
  const header = request.headers.apikey as string | undefined;
  const key = header ?? keyInQuery(query);
  const token = tokenForKey(keys, key);
  if (keyed && !token) return key ? UNKNOWN_KEY : NO_KEY;
  const part = PARTS[to];
  const { site = frontPage } = targets;
  const target = { ...targets, site }[to === "rest" || to === "auth" ? "api" : to];
  if (!target) return unavailable(part);

  // An upgrade is about the connection itself, so there its fields go on.
  const fields = change(
    isSocket(request) ? allFields(request) : endToEnd(request),
    forwarded(request),
  );
  const authorization = swapAuthorization(request.headers.authorization, token);
  switch (to) {
    case "rest":
    case "auth":
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

/** Path and query (with its `?`) as they came; a proxy's absolute form loses its origin. */
function split(request: IncomingMessage): [pathname: string, query: string] {
  const [, pathname, query = ""] = request.url!.match(/^(?:https?:\/\/[^/?]*)?([^?]*)(.*)$/s)!;
  return [pathname, query];
}
