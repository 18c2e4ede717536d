import { isSecretKey } from "../../../supabase/functions/relay/config/keys.ts";
import { readText, type Room } from "../ask/read_text.ts";
import { type Check, found } from "../check.ts";
import { projectUrl } from "./address.ts";

/** What a page and its scripts say about the project that they use. */
export interface Page {
  project?: URL;
  relay?: URL;
  /** A public key that it carries. */
  key?: string;
  /** Addresses of the page's own site that its scripts hold, one of which may be the project's. */
  others: URL[];
  checks: Check[];
}

/** Bundles of today's pages are cut in many; more would be a crawl. */
const MAX_SCRIPTS = 40;
const MAX_BYTES = 4 << 20;
/** Of the page and all of its scripts. */
const MAX_ALL = 16 << 20;
/** Each is asked whether it is a project. */
const MAX_OTHERS = 12;

const PROJECT =
  /https:\/\/[a-z0-9]+\.supabase\.(?:co|in|red)\b|(?<=createClient\)?\(\s*["'`])https?:\/\/[^"'`]+|https?:\/\/[\w.:-]+(?:\/[\w.~-]+){0,4}(?=\/realtime\/v1)/;
/** As relayTransport() is given it, or by its path on Supabase. */
const RELAY =
  /(?<=\brelay:\s*["'`])[^"'`]+|(?:https?:\/\/[\w.:-]+(?:\/[\w.~-]+){0,4})?\/functions\/v1\/relay(?=["'`/?])/;
const KEYS = /sb_(?:publishable|secret)_[\w-]{8,}/g;
/** A token begins somewhere in the first of three parts; looked for from the start of a part alone. */
const PARTS = /(?<![\w-])([\w-]+)\.[\w-]{8,}\.[\w-]{8,}/g;
/** `eyJ` and eight characters more: shorter is no header of a token. */
const MIN_HEAD = 11;
const SCRIPTS = /<(?:script|link)\s[^<>]*>/gi;
const VALUE = String.raw`\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`;
const ATTRIBUTES = {
  src: new RegExp(String.raw`\ssrc${VALUE}`, "i"),
  href: new RegExp(String.raw`\shref${VALUE}`, "i"),
};
const IMPORTS = /\b(?:from|import)\s{0,8}\(?\s{0,8}["'`](\.{0,2}\/[\w./~@-]{1,200}\.m?js)["'`]/g;
/** Addresses that stand alone in quotes. */
const CONSTANTS = /["'`](https?:\/\/[\w.:-]{1,100}(?:\/[\w.~-]{1,60}){0,4}\/?)["'`]/g;

/** The same without a host, by names that people give to what is no page. */
const PATHS =
  /["'`](\/(?:[\w.~-]{1,40}\/){0,2}(?:supabase|sb|api|backend|db|baas)[\w.~-]{0,40}\/?)["'`]/gi;

/** Reads the page at `url` and its own scripts. A page that is not there has nothing to say. */
export async function readPage(url: URL, waitMs: number): Promise<Page> {
  const room = { left: MAX_ALL };
  const html = await read(url, waitMs, "text/html", room);
  if (!html) return { others: [], checks: [] };
  const scripts = await readScripts(html, url, waitMs, room);
  // What visitors wrote on the page is no script of it.
  const code = [inlineOf(html), ...scripts].join("\n").replace(/\\(?:\/|u002[fF])/g, "/");
  const text = `${html}\n${code}`;
  const keys = keysOf(text);
  const project = projectOf(code);
  const relay = relayOf(code);
  return {
    project: project && URL.canParse(project) ? projectUrl(new URL(project)) : undefined,
    relay: relay && URL.canParse(relay, url) ? new URL(relay, url) : undefined,
    key: keysOf(code).find((key) => !isSecretKey(key)),
    others: othersOf(code, url),
    checks: keys.some(isSecretKey)
      ? [found("secret_key", `the page at ${url.origin} or one of its scripts holds one`)]
      : [],
  };
}

/** The page's own scripts, and then what those import, each once. */
async function readScripts(html: string, page: URL, waitMs: number, room: Room): Promise<string[]> {
  const base = baseOf(html, page);
  const asked = new Set<string>();
  const readAll = async (sources: URL[]) => {
    const own = [...new Map(sources.map((it) => [it.href, it])).values()]
      .filter(({ origin, href }) => origin === page.origin && !asked.has(href))
      .slice(0, MAX_SCRIPTS - asked.size);
    own.forEach(({ href }) => asked.add(href));
    return await Promise.all(own.map(async (url) => ({
      url,
      text: await read(url, waitMs, "javascript", room) ?? "",
    })));
  };
  const first = await readAll(scriptsOf(html).flatMap((it) => at(it, base)));
  const chunks = first.flatMap(({ url, text }) => importsOf(text).flatMap((it) => at(it, url)));
  return [...first, ...await readAll(chunks)].map(({ text }) => text);
}

const at = (source: string, base: URL): URL[] =>
  URL.canParse(source, base) ? [new URL(source, base)] : [];

/** What a page's relative addresses are relative to. */
function baseOf(html: string, page: URL): URL {
  const [tag] = /<base\s[^<>]{0,400}>/i.exec(html) ?? [];
  return at(tag ? attributeOf(tag, "href") ?? "" : "", page)[0] ?? page;
}

/** The chunks that a script imports, at once or later, as it names them. */
export const importsOf = (text: string): string[] =>
  [...text.matchAll(IMPORTS)].map(([, source]) => source);

/** The sources of a page's scripts, and of those that it has loaded beforehand, as they stand. */
export function scriptsOf(html: string): string[] {
  return (html.match(SCRIPTS) ?? []).flatMap((tag) => {
    if (/^<script/i.test(tag)) return attributeOf(tag, "src") ?? [];
    return /modulepreload|as=["']?script/i.test(tag) ? attributeOf(tag, "href") ?? [] : [];
  });
}

/** An attribute's value, in quotes of either kind or in none. */
function attributeOf(tag: string, name: "src" | "href"): string | undefined {
  const [, ...values] = ATTRIBUTES[name].exec(tag) ?? [];
  return values.find((it) => it !== undefined)?.replaceAll("&amp;", "&");
}

/** What stands between the tags of a page's scripts. */
export function inlineOf(html: string): string {
  return html.split(/<script\b/i).slice(1).map((rest) => {
    const start = rest.indexOf(">");
    const end = rest.search(/<\/script/i);
    return start >= 0 && end > start ? rest.slice(start + 1, end) : "";
  }).join("\n");
}

/** Keys and tokens in a page's text, each once. */
export function keysOf(text: string): string[] {
  const tokens = [...text.matchAll(PARTS)].flatMap(([token, head]) => {
    const start = head.indexOf("eyJ");
    return start >= 0 && head.length - start >= MIN_HEAD ? [token.slice(start)] : [];
  });
  return [...new Set([...text.match(KEYS) ?? [], ...tokens])];
}

/** The project's URL, where the text names one. */
export function projectOf(text: string): string | undefined {
  return PROJECT.exec(text)?.[0];
}

/** The relay's URL or path, where the text names one. */
export function relayOf(text: string): string | undefined {
  return RELAY.exec(text)?.[0];
}

/** Addresses in quotes on the page's own site: its host, or one beside it. */
export function othersOf(text: string, page: URL): URL[] {
  const site = siteOf(page.hostname);
  const all = new Set([...text.matchAll(CONSTANTS)].map(([, address]) => address));
  const paths = new Set([...text.matchAll(PATHS)].map(([, path]) => path));
  const own = [...all, ...paths].filter((it) => URL.canParse(it, page))
    .map((it) => projectUrl(new URL(it, page)))
    .filter(({ hostname }) => siteOf(hostname) === site);
  return [...new Map(own.map((it) => [it.href, it])).values()].slice(0, MAX_OTHERS);
}

/** The last two labels; of an address, all of it. */
const siteOf = (hostname: string) =>
  /^[\d.]+$|:/.test(hostname) ? hostname : hostname.split(".").slice(-2).join(".");

async function read(
  url: URL,
  waitMs: number,
  type: string,
  room: Room,
): Promise<string | undefined> {
  try {
    return (await readText(url, { waitMs, most: MAX_BYTES, type, room })).text || undefined;
  } catch {
    return undefined; // Why it cannot be had, the probe of the name says.
  }
}
