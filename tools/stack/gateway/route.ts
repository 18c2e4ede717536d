/** Where a request goes. `path` is what the part behind is asked for. */
export interface Route {
  to: "rest" | "auth" | "realtime" | "relay" | "redirect" | "site";
  path: string;
  /** Whether an API key must be there, and known. */
  keyed: boolean;
}

/** Auth's pages that a browser opens from a mail or a provider, so without a key. */
const OPEN_AUTH = /^\/auth\/v1\/(?:verify|callback|authorize|\.well-known\/.*)$/;

/** The routes of Supabase's gateway. Undefined where it has none below its own prefixes. */
export function route(pathname: string): Route | undefined {
  const [, prefix, rest = ""] = pathname.match(/^\/(rest|auth|realtime|functions)\/v1(\/.*)?$/) ??
    [];
  switch (prefix) {
    case undefined:
      return { to: "site", path: pathname, keyed: false };
    case "rest":
      return { to: "rest", path: pathname, keyed: true };
    case "auth":
      return { to: "auth", path: pathname, keyed: !OPEN_AUTH.test(pathname) };
    case "realtime":
      return realtime(rest);
    default:
      return edgeFunction(rest);
  }
}

/** Realtime judges keys itself. */
function realtime(rest: string): Route | undefined {
  if (rest === "/websocket") return { to: "realtime", path: "/socket/websocket", keyed: false };
  if (rest.startsWith("/api/")) return { to: "realtime", path: rest, keyed: false };
}

/** No keys here: config.toml says verify_jwt = false for both functions. */
function edgeFunction(rest: string): Route | undefined {
  const name = rest.split("/")[1];
  if (name === "relay" || name === "redirect") return { to: name, path: rest, keyed: false };
}
