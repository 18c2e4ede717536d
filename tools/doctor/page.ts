import { isSecretKey } from "../../supabase/functions/relay/keys.ts";
import { type Check, found } from "./check.ts";

/** What a page and its scripts say about the project that they use. */
export interface Page {
  project?: URL;
  relay?: URL;
  /** A public key that it carries. */
  key?: string;
  checks: Check[];
}

/** Bundles of today's pages; more would be a crawl. */
const MAX_SCRIPTS = 12;
const MAX_BYTES = 4 << 20;

const PROJECT =
  /https:\/\/[a-z0-9]+\.supabase\.(?:co|in|red)\b|(?<=createClient\)?\(\s*["'`])https?:\/\/[^"'`]+|https?:\/\/[\w.:-]+(?=\/realtime\/v1)/;
/** As relayTransport() is given it, or by its path on Supabase. */
const RELAY =
  /(?<=\brelay:\s*["'`])[^"'`]+|(?:https?:\/\/[\w.:-]+)?\/functions\/v1\/relay(?=["'`/?])/;
const KEYS = /sb_(?:publishable|secret)_[\w-]{8,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;

/** Reads the page at `url` and its own scripts. A page that is not there has nothing to say. */
export async function readPage(url: URL, waitMs: number): Promise<Page> {
  const html = await read(url, waitMs, "text/html");
  if (!html) return { checks: [] };
  const scripts = [...html.matchAll(/<script[^>]+src=["']([^"']+)["']/gi)]
    .map(([, source]) => new URL(source, url))
    .filter(({ origin }) => origin === url.origin).slice(0, MAX_SCRIPTS);
  const texts = [html, ...await Promise.all(scripts.map((it) => read(it, waitMs, "javascript")))];
  const text = texts.join("\n");
  const keys = [...new Set(text.match(KEYS) ?? [])];
  const project = PROJECT.exec(text)?.[0];
  const relay = RELAY.exec(text)?.[0];
  return {
    project: project && URL.canParse(project) ? new URL("/", project) : undefined,
    relay: relay && URL.canParse(relay, url) ? new URL(relay, url) : undefined,
    key: keys.find((key) => !isSecretKey(key)),
    checks: keys.some(isSecretKey)
      ? [found("secret_key", `the page at ${url.origin} or one of its scripts holds one`)]
      : [],
  };
}

async function read(url: URL, waitMs: number, type: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(waitMs), redirect: "manual" });
    const isRight = response.ok && response.headers.get("content-type")?.includes(type);
    if (!isRight) return void await response.body?.cancel();
    return (await response.text()).slice(0, MAX_BYTES);
  } catch {
    return undefined; // Why it cannot be had, the probe of the name says.
  }
}
