import { RelayError } from "../../supabase/functions/relay/errors.ts";

/** Whose a request is. */
export type Passage =
  /** The relay's own: the target that it knows it by. */
  | { to: "relay"; target: string }
  /** `hasPages`: what comes may be a stranger's page, which is of the relay's name now. */
  | { to: "project"; hasPages: boolean };

const RELAY = /^\/functions\/v1\/relay(?=\/|$)/;
const REALTIME = /^\/realtime\/v1\/(websocket$|api\/broadcast(?:\/|$))/;

/** Below it stand names that people give, with any sign in them. */
const OBJECT = /^\/storage\/v1\/(?:object|render\/image)\//;

/** The S3 protocol signs the path and wants keys of the project's own. */
const S3 = /^\/storage\/v1\/+s3(?:[/;]|$)/i;

/** What gateways, proxies and servers read in more than one way: a slash beside those that are seen. */
const isAmbiguous = (path: string) =>
  path.includes("\\") || slashesIn(plain(path)) > slashesIn(path);

/** A path is ASCII without blanks (RFC 3986, 3.3). */
const PRINTABLE = /^[!-~]*$/;

/**
 * Judges a request's target as it came, before anything has resolved it: the relay's own paths are
 * exactly /functions/v1/relay… and /realtime/v1/{websocket, api/broadcast…}, others go on as they are.
 * Throws `not_found` for what is neither, and `bad_request` for a path that may mean another one.
 */
export function passageOf(target: string, services: readonly string[]): Passage {
  const [path] = target.split("?", 1);
  const query = target.slice(path.length);
  // No client sends a fragment (RFC 9112, 3.2.1); some servers would read it as part of the query.
  if (!path.startsWith("/") || !PRINTABLE.test(path) || target.includes("#")) throw ambiguous();
  if (RELAY.test(path)) return { to: "relay", target };
  if (REALTIME.test(path)) {
    const own = path.replace("/realtime/v1/", "/functions/v1/relay/");
    return { to: "relay", target: own + query };
  }
  const service = services.find((name) => isBelow(path, `/${name}/v1`));
  if (!service || S3.test(plain(path))) throw notFound();
  const [head, name] = split(path);
  if (isAmbiguous(head) || hasDots(head) || hasDots(name)) throw ambiguous();
  return { to: "project", hasPages: service === "storage" || service === "functions" };
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** What is a path, and what is an object's name. */
function split(path: string): [head: string, name: string] {
  const [head] = OBJECT.exec(path) ?? [path];
  return [head, path.slice(head.length)];
}

/** Dot segments in any spelling. */
function hasDots(path: string): boolean {
  return /(?:^|\/)\.{1,2}(?:;[^/]*)?(?:\/|$)/.test(plain(path));
}

/**
 * A path as whoever decodes it, once more and again, sees it in the end; slashes are all forward.
 * What decoding yields may be part of another escape, as in `%2%65`. Looks at each sign once, so that
 * nested escapes cost no more than others.
 */
function plain(path: string): string {
  if (!/[%\\]/.test(path)) return path;
  const signs: string[] = [];
  for (const sign of path) {
    let next = sign;
    while (signs.at(-2) === "%" && HEX.test(next) && /^[0-7]$/.test(signs.at(-1)!)) {
      next = String.fromCharCode(parseInt(signs.at(-1)! + next, 16));
      signs.length -= 2;
    }
    signs.push(next === "\\" ? "/" : next);
  }
  return signs.join("");
}

const HEX = /^[\da-f]$/i;

const slashesIn = (path: string) => path.split("/").length;

/** What an upgrade gets that is not for the relay. */
export function noUpgrade(): RelayError {
  return new RelayError("not_implemented", "No upgrade is passed on to the project.");
}

function notFound(): RelayError {
  return new RelayError("not_found", "Nothing is served at this path.");
}

function ambiguous(): RelayError {
  return new RelayError(
    "bad_request",
    "The path may mean another one: send it without escaped slashes and dots.",
  );
}
