import { isPrefetch } from "./prefetch.ts";

/** What is asked of the database: the arguments of the SQL function open_short_link. */
export interface Opening {
  slug: string;
  /** Where the visitor came from: a host name, never a path. */
  referrer_host: string | null;
  /** Two capitals, where the platform in front names the visitor's country. */
  country: string | null;
  /** false only reads the target. */
  counted: boolean;
}

export interface Options {
  /** The link's target, or null if there is no such link. Rejects if the database does not answer. */
  open(opening: Opening, signal: AbortSignal): Promise<string | null>;
  /** Default: 1500 ms. A visitor waits two seconds at most, and the way back takes time, too. */
  deadlineMs?: number;
}

/** As in the check of public.short_links: what does not fit is not worth a question. */
const SLUG = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Answers `GET <any prefix>/redirect/<slug>` with a 302 to the link's target, and counts the click.
 * HEAD, prefetches and link previews get the same answer and are not counted. Otherwise plain text:
 * 404 without such a link, 400 where target and Host make no address, 405 for other methods, 503 if
 * the database does not answer in time.
 * Never rejects.
 */
export function createRedirect({ open, deadlineMs = 1500 }: Options) {
  return async (request: Request): Promise<Response> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return text(405, "Short links are opened with GET.", { allow: "GET, HEAD" });
    }
    const url = urlOf(request);
    if (!url) return text(400, "The request's target and Host make no address.");
    const slug = url.pathname.match(/\/redirect\/([^/]+)\/?$/)?.[1] ?? "";
    if (!SLUG.test(slug)) return text(404, "There is no such short link.");
    try {
      const target = await open(opening(slug, request), AbortSignal.timeout(deadlineMs));
      return isWebAddress(target) ? found(target) : text(404, "There is no such short link.");
    } catch {
      return text(
        503,
        "Short links cannot be opened just now. Try again in a moment.",
        { "retry-after": "2" },
      );
    }
  };
}

/** A Host may hold anything, also a path or a user, and comes as it was sent. */
function urlOf({ url, headers }: Request): URL | null {
  return /[/\\?#@]/.test(headers.get("host") ?? "") ? null : URL.parse(url);
}

function opening(slug: string, { method, headers }: Request): Opening {
  return {
    slug,
    referrer_host: referrerHost(headers.get("referer")),
    country: country(headers.get("cf-ipcountry") ?? headers.get("x-country")),
    counted: method === "GET" && !isPrefetch(headers),
  };
}

function referrerHost(referrer: string | null): string | null {
  if (!referrer || !URL.canParse(referrer)) return null;
  const { protocol, hostname } = new URL(referrer);
  return /^https?:$/.test(protocol) && hostname.length <= 253 ? hostname : null;
}

/** Cloudflare's XX says that it does not know. */
function country(code: string | null): string | null {
  return code && /^[A-Z]{2}$/.test(code) && code !== "XX" ? code : null;
}

function isWebAddress(target: string | null): target is string {
  return target !== null && URL.canParse(target) &&
    /^https?:$/.test(new URL(target).protocol);
}

function found(target: string): Response {
  // As it was saved where a header can hold that; a URL's own spelling differs in small things.
  const location = /^[\x21-\x7e]+$/.test(target) ? target : new URL(target).href;
  return new Response(null, {
    status: 302,
    headers: {
      location,
      // A cached answer would be a click that is not counted.
      "cache-control": "no-store",
      // Where the visitor came from is no business of the target's.
      "referrer-policy": "no-referrer",
    },
  });
}

function text(status: number, message: string, headers: Record<string, string> = {}): Response {
  return new Response(`${message}\n`, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...headers,
    },
  });
}
