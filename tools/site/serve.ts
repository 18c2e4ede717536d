import { bundleSite } from "./bundle.ts";
import { policy } from "./policy.ts";

/** What the page is told about its project; undefined while that is not known yet. */
export type SiteConfig = { key: string; demo?: string[]; mode?: string };

/** By the file name's extension. */
export const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  json: "application/json",
};

/**
 * Serves the page at `/`, and config.json with the origin that it was asked at as the project's URL.
 * GET and HEAD alone, 404 for other names.
 */
export function serveSite(config: () => SiteConfig | undefined) {
  const files = bundleSite();
  files.catch(() => "Each request is told.");
  return async (request: Request): Promise<Response> => {
    const { pathname, origin } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    if (name === "config.json") return answerConfig(origin, config());
    const text = (await files).get(name);
    if (text === undefined) return new Response("There is no such page.\n", { status: 404 });
    return answer(name, text, origin);
  };
}

function answer(name: string, text: string, origin: string): Response {
  const reaches = [origin];
  return new Response(text.replace("{{policy}}", policy({ reaches, header: false })), {
    headers: {
      "content-type": TYPES[name.split(".").at(-1)!],
      "content-security-policy": policy({ reaches, header: true }),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    },
  });
}

function answerConfig(url: string, config: SiteConfig | undefined): Response {
  const headers = { "cache-control": "no-store" };
  if (!config) {
    return new Response(null, { status: 503, headers: { ...headers, "retry-after": "1" } });
  }
  return Response.json({ url, ...config }, { headers });
}
