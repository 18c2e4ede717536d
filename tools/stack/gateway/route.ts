/** Where a request goes. `path` is what the part behind is asked for. */
export interface Route {
  to: "rest" | "auth" | "storage" | "realtime" | "relay" | "redirect" | "function" | "site";
  path: string;
  /** Whether an API key must be there, and known. */
  keyed: boolean;
  /** Of a function. */
  name?: string;
}

/** Auth's pages that a browser opens from a mail or a provider, so without a key. */
const OPEN_AUTH = /^\/auth\/v1\/(?:verify|callback|authorize|\.well-known\/[\w.-]+)$/;
/** Separators in disguise, which some server behind could take for what they stand for. */
const DISGUISED = /%(?:2f|5c|00)/i;

/**
 * The routes of Supabase's gateway. Undefined where it has none below its own prefixes. What is
 * judged, and asked of the part behind, is the path as that part would read it: without segments of
 * dots, however they are spelled.
 */
export function route(path: string): Route | undefined {
  const pathname = readPath(path);
  if (pathname === undefined) return undefined;
  const found = find(pathname);
  // In the names of topics and links they mean themselves.
  const isDisguised = (found?.to === "rest" || found?.to === "auth") && DISGUISED.test(pathname);
  return isDisguised ? undefined : found;
}

/** Undefined where it is none, as in `OPTIONS *`. */
function readPath(path: string): string | undefined {
  const url = path.startsWith("/") ? URL.parse(`http://any${path}`) : null;
  return url?.pathname;
}

function find(pathname: string): Route | undefined {
  const [, prefix, rest = ""] =
    pathname.match(/^\/(rest|auth|storage|realtime|functions)\/v1(\/.*)?$/) ??
      [];
  switch (prefix) {
    case undefined:
      return { to: "site", path: pathname, keyed: false };
    case "rest":
      return { to: "rest", path: pathname, keyed: true };
    case "auth":
      return { to: "auth", path: pathname, keyed: !OPEN_AUTH.test(pathname) };
    // Public files have none; of a key that is there, Storage makes what it can.
    case "storage":
      return { to: "storage", path: pathname, keyed: false };
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

/** No keys here: the stack's own functions want none, and those of a project a token, if anything. */
function edgeFunction(rest: string): Route | undefined {
  const name = rest.split("/")[1];
  if (!name) return undefined;
  const to = name === "relay" || name === "redirect" ? name : "function";
  return { to, name, path: rest, keyed: false };
}
