import { issuers, keySet, policy, publicKey, publicKeys } from "./json_settings.ts";
import { isTokenLike } from "./keys.ts";
import { normalOrigin } from "./origin.ts";
import {
  itemsOf,
  must,
  number,
  optional,
  type Setting,
  someOf,
  withDefault,
  word,
} from "./setting.ts";

/** In RELAY_AUDIENCE: a token of the project's may have no `aud`. */
export const NO_AUDIENCE = "(none)";

/** `null` is what pages without an origin send, and `file://` what some web views do. */
const NAMED_ORIGINS = ["*", "null", "file://"];

/** What of a project can be passed on beside its sockets. */
const PASSABLE = ["rest", "auth", "storage", "functions", "graphql"];

const asIs = (text: string): string => text;

/** Every variable that the relay reads; docs/CONFIGURATION.md describes them. */
export const SETTINGS = {
  SUPABASE_URL: {
    read: projectUrl,
    initial: () => projectUrl(""),
    wants: "the project's URL, such as https://abc.supabase.co",
  },
  SUPABASE_PUBLISHABLE_KEYS: optional(
    publicKeys,
    'a JSON map of publishable keys such as {"default":"…"}',
    true,
  ),
  SUPABASE_PUBLISHABLE_KEY: optional(publicKey, "a publishable key, never a secret key", true),
  SUPABASE_ANON_KEY: optional(publicKey, "the anon key, never the service_role key", true),
  SUPABASE_JWKS: optional(keySet, 'a JWK set such as {"keys":[…]}', true),
  RELAY_JWT_SECRET: optional(asIs),
  JWT_SECRET: optional(asIs),
  RELAY_ANONYMOUS: word("join", "allow", "join", "refuse"),
  RELAY_SHARE: word("anonymous", "anonymous", "off"),
  RELAY_ISSUER: withDefault([], itemsOf),
  RELAY_AUDIENCE: withDefault(
    ["authenticated"],
    someOf(audience),
    `audiences, separated by commas, each in full; ${NO_AUDIENCE} takes tokens without aud`,
  ),
  RELAY_ISSUERS: withDefault(
    [],
    issuers,
    'a JSON list such as [{"issuer":"https://clerk.example.com","audience":"any"}]: each ' +
      'issuer once, by https, with an audience (a list, or "any"), and maybe jwks (a URL) and roles',
  ),
  RELAY_ORIGINS: withDefault(
    ["*"],
    someOf(origin),
    "* or origins without a path, such as https://example.com,https://*.example.com," +
      "capacitor://localhost",
  ),
  RELAY_OWN_ORIGIN: word("refuse", "allow", "refuse"),
  RELAY_ABSENT_ORIGIN: word("allow", "allow", "refuse"),
  RELAY_ROLES: withDefault(["*"], someOf(asIs), "* or roles, separated by commas"),
  RELAY_REVOKE: word("auto", "auto", "off"),
  // A token's life: whoever was signed out before that has none.
  RELAY_REVOKE_S: number(60, 86_400, 3_600, "seconds"),
  RELAY_POLICY: withDefault(
    {},
    policy,
    'JSON such as {"anon":{"topics":["clicks:*"],"tables":["public.*"],"readOnly":true}}',
  ),
  RELAY_TRUSTED_PROXIES: number(0, 16, 0, "a number"),
  RELAY_MAX_SOCKETS: number(1, 1_000_000, undefined, "a number"),
  // Tabs and devices of one person; a leaked token opens no more.
  RELAY_MAX_SOCKETS_PER_USER: number(1, 1_000_000, 50, "a number"),
  // An office or a mobile network behind one address.
  RELAY_MAX_SOCKETS_PER_ADDRESS: number(1, 1_000_000, 200, "a number"),
  // Sockets that a public key opened wait a moment for their user's token.
  RELAY_WAITING_MAX: number(1, 1_000_000, undefined, "a number"),
  RELAY_HANDSHAKES_PER_MINUTE: number(1, 1_000_000, 300, "a number"),
  // Realtime itself stops at 100 events a second, and a page that wakes up sends what it has kept.
  RELAY_FRAMES_PER_SECOND: number(1, 1_000_000, 500, "a number"),
  RELAY_FRAME_BURST: number(1, 1_000_000, 20_000, "a number"),
  // A camera's 20 pictures of 200 kB a second take less than that; ten such clients take a core.
  RELAY_CPU_SHARE: number(1, 1_000, 10, "percent of a core"),
  // Realtime closes a socket that sends more.
  RELAY_MAX_FRAME_BYTES: number(1_024, 1 << 30, 5_000_000, "bytes"),
  // Realtime's own bound on the channels of a socket.
  RELAY_MAX_JOINS: number(1, 10_000, 100, "a number"),
  // A socket that never joins holds a place for nothing; realtime-js joins at once.
  RELAY_JOIN_TIMEOUT_MS: number(100, 3_600_000, 60_000, "milliseconds"),
  // How long the relay speaks for a browser that throttles a background tab.
  RELAY_MAX_SILENCE_S: number(1, 86_400, 180, "seconds"),
  // Container hosts kill 10 s after SIGTERM.
  RELAY_DRAIN_MS: number(0, 600_000, 8_000, "milliseconds"),
  // 32 letters of hex are 128 random bits.
  RELAY_METRICS_TOKEN: optional(
    metricsToken,
    "32 to 512 characters of A-Z a-z 0-9 - . _ ~ + / =, and no key or token of the project",
    true,
  ),
  RELAY_PASS: withDefault(
    [],
    passed,
    `all, or some of ${PASSABLE.join(", ")}, separated by commas`,
  ),
  RELAY_HOST: withDefault("0.0.0.0", asIs),
  PORT: number(0, 65_535, 8787, "a port"),
  // Long enough that a client which reconnects at once for ever makes 4 attempts in 40 s, not 14.
  RELAY_REFUSAL_DELAY_MS: number(0, 60_000, 10_000, "milliseconds"),
  // A waiting refusal costs a socket's memory, so their number is bounded.
  RELAY_REFUSAL_MAX: number(0, 100_000, 256, "a number"),
  // Realtime waits 2 s before it refuses, so a shorter wait would hide its answer.
  RELAY_DIAL_TIMEOUT_MS: number(100, 60_000, 10_000, "milliseconds"),
  // Three of Realtime's largest frames (5 MB); a worker has 256 MB for all its sockets.
  RELAY_MAX_UNSENT_BYTES: number(65_536, 1 << 30, 16 << 20, "bytes"),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** What readConfig() gets from a right environment. */
export type Settings = { [Name in SettingName]: ReturnType<typeof SETTINGS[Name]["read"]> };

function passed(text: string): string[] {
  const items = itemsOf(text);
  must(items.every((item) => item === "all" || PASSABLE.includes(item)));
  return items.includes("all") ? [...PASSABLE] : items;
}

/** What a bearer token may be made of (RFC 6750, 2.1). */
function metricsToken(text: string): string {
  must(/^[\w.~+/-]{32,512}=*$/.test(text) && text.length <= 512);
  must(!text.includes("sb_") && !isTokenLike(text));
  return text;
}

function audience(text: string): string {
  must(!text.includes("*"));
  return text;
}

function origin(text: string): string {
  const normal = NAMED_ORIGINS.includes(text) ? text : normalOrigin(text);
  must(normal !== undefined);
  return normal;
}

function projectUrl(text: string): string {
  must(/^https?:\/\//i.test(text) && URL.canParse(text));
  return text;
}
