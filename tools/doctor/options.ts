import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ProxyName } from "./fixes/mod.ts";
import { forwardProxyFor } from "./forward_proxy.ts";
import { atProject } from "./identify/address.ts";
import {
  type EnvFile,
  readDatabase,
  readEnvFile,
  readOrigin,
  readProxy,
  readTable,
  readUrl,
  readWait,
} from "./values.ts";

export const HELP = `Says why a Supabase Realtime socket fails, hop by hop, and what to do.

deno task doctor URL [options]               npx realtime-relay doctor URL [options]

URL is a project, a Realtime endpoint, a relay, or a page that uses one of them. An apikey or a jwt
in its query is taken for --key or --token.

  --key KEY             publishable or anon key       (SUPABASE_PUBLISHABLE_KEY, SUPABASE_ANON_KEY,
                                                       ANON_KEY)
  --token JWT           a user's access token         (DOCTOR_TOKEN)
  --jwt-secret SECRET   what the project signs with   (JWT_SECRET)
  --direct URL          the gateway behind the proxy, such as http://kong:8000
  --realtime URL        Realtime itself, such as http://realtime-dev.supabase-realtime:4000
  --db URL              the database                  (SUPABASE_DB_URL)
  --db-enc-key KEY      16 characters                 (DB_ENC_KEY)
  --db-enc-key-gcm KEY  32 characters                 (DB_ENC_KEY_GCM)
  --table SCHEMA.TABLE  whose changes shall arrive (default public.url_clicks)
  --topic TOPIC         a private channel that shall open
  --ask HOST            a host:port that a page names, which may get your key and token as well
  --origin ORIGIN       the page's origin, as the relay shall see it
  --proxy NAME          nginx, caddy, traefik, haproxy, apache, kong, envoy or cloudflare
  --env-file FILE       self-hosted Supabase's .env: its values are used, and checked
  --repair-tenant       also prints the SQL that writes the tenant's secret anew
  --wait SECONDS        how long an answer may take (default 8)
  --quick               leaves out the channels, and the row that is inserted with --db
  --idle                also holds a silent socket for 25, 35 and 65 seconds
  --json                prints the result as JSON
  --help                prints this

Names in brackets are read from the environment, then from --env-file. Secrets are better there: the
doctor never prints one, but a command line is seen by others, and \`deno task\` repeats it.
With --db, without --quick, a table public.realtime_doctor_… is made, published, and dropped again.
Exit code: 0 healthy, 1 a problem was found, 2 could not look.`;

export interface Options {
  url: URL;
  key?: string;
  token?: string;
  jwtSecret?: string;
  direct?: URL;
  realtime?: URL;
  db?: string;
  dbEncKey?: string;
  dbEncKeyGcm?: string;
  table: string;
  /** Whether --table was given: the default need not exist. */
  tableGiven: boolean;
  topic?: string;
  origin?: string;
  /** Hosts beside the one named that may get key and token. */
  ask: string[];
  proxy?: ProxyName;
  envFile?: EnvFile;
  /** The variable that names a forward proxy for the URL: the doctor goes through none. */
  forwardProxy?: string;
  /** SELF_HOST_TENANT_NAME, or Realtime's default. */
  tenant: string;
  repairTenant: boolean;
  waitMs: number;
  quick: boolean;
  idle: boolean;
  json: boolean;
}

/** The arguments are wrong: one sentence each, all at once. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const ARGUMENTS = {
  ...{ key: text, token: text, "jwt-secret": text, direct: text, realtime: text, db: text },
  ...{ "db-enc-key": text, "db-enc-key-gcm": text, table: text, topic: text, origin: text },
  ...{ ask: { ...text, multiple: true }, proxy: text, "env-file": text, wait: text },
  ...{ "repair-tenant": flag, quick: flag, idle: flag, json: flag, help: flag },
} as const;

/**
 * Reads arguments and environment. Throws a UsageError that names everything that is wrong, and no
 * value of a secret. `readFile` reads --env-file.
 */
export function readOptions(
  args: string[],
  environment: Record<string, string | undefined>,
  readFile: (path: string) => string = (path) => readFileSync(path, "utf8"),
): Options | "help" {
  const { values, positionals } = parseArgs({
    ...{ args, options: ARGUMENTS, allowPositionals: true, strict: false },
  });
  if (values.help) return "help";
  const problems = Object.entries(values).flatMap(([name, value]) => oddOf(name, value));
  const given = (name: Name) => textOf(values[name]);
  const envFile = readEnvFile(given("env-file"), readFile, problems);
  const from = (...names: string[]) =>
    names.map((name) => environment[name]?.trim() || envFile?.variables[name]?.trim())
      .find(Boolean);
  if (positionals.length !== 1) problems.push("Give one URL: --help shows how.");
  const written = readUrl("The URL", positionals[0], problems);
  const url = written && atProject(written);
  const flags = {
    repairTenant: values["repair-tenant"] === true,
    ...{ quick: values.quick === true, idle: values.idle === true, json: values.json === true },
  };
  const options = {
    ...{ ...readSecrets(given, from, url), ...readPlaces(given, from, problems), ...flags },
    ...{ envFile, waitMs: readWait(given("wait"), problems) },
  };
  if (problems.length > 0) throw new UsageError([...new Set(problems)]);
  return { ...options, url: url!, forwardProxy: forwardProxyFor(url!, environment) };
}

type Name = keyof typeof ARGUMENTS;
type Given = (name: Name) => string | undefined;
type From = (...names: string[]) => string | undefined;

/** The value of an option; of one that stands there several times all of them. */
const textOf = (value: unknown): string | undefined =>
  [value].flat().filter((it) => typeof it === "string").join(" ").trim() || undefined;

function readSecrets(given: Given, from: From, url: URL | undefined) {
  // People paste the address that fails, with all that it carries.
  const carried = (name: string) => url?.searchParams.get(name) || undefined;
  return {
    key: given("key") ?? carried("apikey") ??
      from("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY", "ANON_KEY"),
    token: given("token") ?? carried("jwt") ?? from("DOCTOR_TOKEN"),
    jwtSecret: given("jwt-secret") ?? from("JWT_SECRET"),
    dbEncKey: given("db-enc-key") ?? from("DB_ENC_KEY"),
    dbEncKeyGcm: given("db-enc-key-gcm") ?? from("DB_ENC_KEY_GCM"),
  };
}

function readPlaces(given: Given, from: From, problems: string[]) {
  return {
    direct: readUrl("--direct", given("direct"), problems),
    realtime: readUrl("--realtime", given("realtime"), problems),
    db: readDatabase(given("db") ?? from("SUPABASE_DB_URL"), problems),
    table: readTable(given("table"), problems),
    tableGiven: given("table") !== undefined,
    topic: given("topic")?.replace(/^realtime:/, ""),
    origin: readOrigin(given("origin"), problems),
    ask: given("ask")?.split(/[\s,]+/).map(hostOf) ?? [],
    proxy: readProxy(given("proxy"), problems),
    tenant: from("SELF_HOST_TENANT_NAME") ?? "realtime-dev",
  };
}

/** host:port as a URL has it: without the port that a scheme stands for. */
const hostOf = (text: string) =>
  text.replace(/^\w+:\/\//, "").replace(/\/.*$/, "").replace(/:(?:443|80)$/, "").toLowerCase();

/** What is wrong with an option as it stands. */
function oddOf(name: string, value: unknown): string[] {
  if (!isOption(name)) return [`There is no option --${name}: --help lists what there is.`];
  const isText = ARGUMENTS[name].type === "string";
  if (!isText) return typeof value === "string" ? [`--${name} takes no value.`] : [];
  // Without strictness a text option that stands last is `true`, and another one takes the next for its
  // value: so it is where a shell's variable is not set.
  const isMissing = [value].flat().some((it) => it === true || isOption(optionIn(String(it))));
  return isMissing ? [`--${name} wants a value.`] : [];
}

const isOption = (name: string): name is Name => Object.hasOwn(ARGUMENTS, name);
const optionIn = (word: string) => /^--([\w-]+)(?:=|$)/.exec(word)?.[1] ?? "";
