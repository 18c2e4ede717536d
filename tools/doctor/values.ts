/**
 * What the values of options are. Each function reads one, and says what is wrong with it in a
 * sentence that goes to `problems`; what it returns then is of no use.
 */
import { addressOf, databaseOf, isDatabase, placeholderOf, unfilled } from "./as_written.ts";
import { readComposeEnv } from "./compose_env.ts";
import { pathOf, projectUrl, schemeOf } from "./identify/address.ts";
import { PROXIES, type ProxyName } from "./fixes/mod.ts";

/** A hosted project's name for itself. */
const REF = /^[a-z]{20}$/;

/** Places that people copy an address from, at which there is no project, and what to give instead. */
const NO_PROJECT: [host: RegExp, says: string][] = [
  [
    /^(?:app\.)?supabase\.(?:com|io|green)$/,
    "is the dashboard's, and names no project: open yours there, and give its URL.",
  ],
  [/\.pooler\.supabase\./, "is the database's pooler: give the project's, and this one with --db."],
];

export function readUrl(
  what: string,
  value: string | undefined,
  problems: string[],
): URL | undefined {
  if (value === undefined) return undefined;
  if (isDatabase(value)) {
    problems.push(`${what} is a database's: give it with --db, and the project's beside it.`);
    return undefined;
  }
  const address = addressOf(value);
  const words = unfilled(address);
  if (words) {
    problems.push(`${what} is ${words}: put the project's own address there.`);
    return undefined;
  }
  const text = /^\w+:\/\//.test(address)
    ? address
    : REF.test(address)
    ? `https://${address}.supabase.co`
    : `${schemeOf(address)}://${address}`;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) {
    const url = new URL(text);
    url.pathname = pathOf(url);
    const { hostname } = projectUrl(url);
    const [, says] = NO_PROJECT.find(([host]) => host.test(hostname)) ?? [];
    if (!says) return url;
    problems.push(`${what} ${says}`);
  } else problems.push(`${what} wants an http, https, ws or wss URL.`);
}

/**
 * An origin as a browser sends it: of a page, or of an app, whose scheme may be any
 * (chrome-extension, capacitor, tauri), and of which nothing is made up.
 */
export function readOrigin(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined || value === "null") return value;
  const [, scheme, host] =
    /^([a-z][a-z0-9+.-]*):\/\/([^\s/?#@\\,*]*)(?:[/?#][^\s,]*)?$/i.exec(value) ??
      [];
  if (scheme && /^https?$/i.test(scheme)) return readUrl("--origin", value, problems)?.origin;
  if (scheme && (host || value.endsWith("://"))) {
    return `${scheme.toLowerCase()}://${host.toLowerCase()}`;
  }
  if (!scheme && /^(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?(?:\/\S*)?$/i.test(value)) {
    return readUrl("--origin", value, problems)?.origin;
  }
  problems.push("--origin wants a scheme and a host, such as https://app.example.com.");
}

/** What PostgreSQL or its driver makes something of; what ORMs add is refused by the server. */
const KNOWN_TO_POSTGRES = ["sslmode", "options", "target_session_attrs", "host"];

export function readDatabase(value: string | undefined, problems: string[]): string | undefined {
  if (value === undefined) return undefined;
  const db = databaseOf(value);
  const [scheme] = /^postgres(?:ql)?:\/\//.exec(db) ?? [];
  const user = scheme && db.slice(scheme.length, Math.max(scheme.length, db.lastIndexOf("@")));
  const placeholder = placeholderOf(db);
  const odd = user && oddOf(user);
  // It holds a password, so it is not repeated.
  if (scheme && placeholder) {
    problems.push(`--db: ${placeholder} stands where the database's password belongs.`);
  } else if (odd) {
    problems.push(
      `--db: the user or password holds ${odd}, which a URL does not take: percent-encode it.`,
    );
  } else if (scheme && hostsOf(db.slice(scheme.length)).includes(",")) {
    problems.push("--db names several hosts: give the one that takes writes (the primary).");
  } else if (scheme && db.length > scheme.length && URL.canParse(db)) {
    return withoutSettings(db);
  } else problems.push("--db wants a URL such as postgres://user:password@host:5432/postgres.");
}

/** What stands between user and path: libpq takes a list, Realtime one host. */
const hostsOf = (address: string) => address.replace(/[/?].*$/s, "").split("@").at(-1)!;

function withoutSettings(db: string): string {
  const [address, query] = db.split("?");
  const settings = [...new URLSearchParams(query)].filter(([name]) =>
    KNOWN_TO_POSTGRES.includes(name)
  );
  return settings.length > 0 ? `${address}?${new URLSearchParams(settings)}` : address;
}

/** The first character of user and password that means something else in a URL, and how it goes. */
function oddOf(user: string): string | undefined {
  const [sign] = /[#/?@[\]\\\s^|<>`{}"]|%(?![0-9a-fA-F]{2})/.exec(user) ?? [];
  if (sign) return `${sign} (%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")})`;
  try {
    decodeURIComponent(user);
  } catch {
    return "bytes that are no UTF-8";
  }
}

export function readTable(value: string | undefined, problems: string[]): string {
  const table = value ?? "public.url_clicks";
  const names = table.split(".").map((name) => name.replace(/^"([^"]+)"$/, "$1"));
  if (names.length <= 2 && names.every((name) => name && !/["*]/.test(name))) {
    return names.length === 2 ? names.join(".") : `public.${names[0]}`;
  }
  problems.push(`--table wants schema.table, such as public.url_clicks, not "${table}".`);
  return table;
}

export function readProxy(value: string | undefined, problems: string[]): ProxyName | undefined {
  const proxy = PROXIES.find((name) => name === value?.toLowerCase());
  if (value && !proxy) problems.push(`--proxy wants one of ${PROXIES.join(", ")}, not "${value}".`);
  return proxy;
}

export function readWait(value: string | undefined, problems: string[]): number {
  const seconds = Number(value ?? 8);
  if (seconds > 0 && seconds <= 120) return seconds * 1000;
  problems.push(`--wait wants seconds, more than 0 and at most 120, not "${value}".`);
  return 0;
}

/** The variables of --env-file, and its text. */
export interface EnvFile {
  variables: Record<string, string>;
  text: string;
}

export function readEnvFile(
  path: string | undefined,
  readFile: (path: string) => string,
  problems: string[],
): EnvFile | undefined {
  if (path === undefined) return undefined;
  try {
    const text = readFile(path);
    return { text, variables: readComposeEnv(text) };
  } catch {
    problems.push(`--env-file: ${path} cannot be read.`);
  }
}
