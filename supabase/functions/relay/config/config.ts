import type { JSONWebKeySet } from "jose";
import type { Issuer, Policy } from "./json_settings.ts";
import type { Setting } from "./setting.ts";
import { type SettingName, SETTINGS, type Settings } from "./settings.ts";

/** The relay's settings, checked; made by readConfig() alone. */
export interface Config {
  /** The project's URL; ends with a slash, so that relative paths append. */
  supabaseUrl: URL;
  /** The key that goes upstream as `apikey`: a publishable key or the legacy anon key. */
  upstreamKey: string;
  /** The keys that name an anonymous viewer. */
  publicKeys: readonly string[];
  /** `join`: a public key opens a socket, and the first join brings its user. */
  anonymous: "allow" | "join" | "refuse";
  /** Whose equal joins share one channel upstream. */
  share: "anonymous" | "off";
  /** The project's HS256 secret, where the relay was given it. */
  jwtSecret: string | undefined;
  /** The project's public keys, where the platform hands them in. */
  jwks: JSONWebKeySet | undefined;
  /** Accepted `iss` of tokens by the project's keys; empty accepts any: the signature is the proof. */
  issuers: readonly string[];
  /** Accepted `aud` of tokens by the project's keys; NO_AUDIENCE: a token may have none. */
  audiences: readonly string[];
  /** Whose tokens are accepted beside the project's own. */
  otherIssuers: readonly Issuer[];
  /** Accepted `Origin`: exact, `https://*.example.com`, or `*`. */
  origins: readonly string[];
  /** Whether the origin of the relay itself is let in, which React Native sends. */
  ownOrigin: "allow" | "refuse";
  /** Whether a request without Origin, as programs send it, is let in. */
  absentOrigin: "allow" | "refuse";
  /** Accepted roles; `*` is every role but service_role. */
  roles: readonly string[];
  /** Whether sockets of sessions that ended are ended. */
  revoke: "auto" | "off";
  /** How long the end of a session counts. */
  revokeMs: number;
  /** What each role may do; `*` is for roles that are not named. */
  policy: Readonly<Record<string, Policy>>;
  /** How many entries of X-Forwarded-For, from its end, trusted proxies wrote; 0 trusts none. */
  trustedProxies: number;
  /** Undefined leaves it to the runtime. */
  maxSockets: number | undefined;
  /** Sockets that wait for their user's token; undefined: a quarter of all. */
  waitingMax: number | undefined;
  maxSocketsPerUser: number;
  maxSocketsPerAddress: number;
  handshakesPerMinute: number;
  framesPerSecond: number;
  frameBurst: number;
  /** What of a core the work of one client may take in the long run, in percent. */
  cpuShare: number;
  maxFrameBytes: number;
  maxJoins: number;
  joinTimeoutMs: number;
  maxSilenceMs: number;
  drainMs: number;
  /** Whoever sends it may read the metrics; undefined: nobody. */
  metricsToken: string | undefined;
  /** The project's services that go through the relay too, where the host can pass them on. */
  pass: readonly string[];
  /** Where a standalone relay listens. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  refusalDelayMs: number;
  refusalMax: number;
  dialTimeoutMs: number;
  maxUnsentBytes: number;
}

export type { Issuer, Policy };

/** The environment is wrong: one sentence for each variable, all at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

/** The names of all variables, for the documentation and its test. */
export const settingNames = Object.keys(SETTINGS);

/**
 * Reads the settings from an environment. Empty variables count as absent.
 * Throws a ConfigError that names every problem; values of keys and secrets are not in it.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = environment[name]?.trim();
      return value ? [[name, value]] : [];
    }),
  );
  const { settings, problems } = readSettings(given);
  const keys = settings && publicKeysOf(settings);
  if (keys ? keys.length === 0 : !KEY_NAMES.some((name) => given[name])) {
    problems.push(problemOf(KEY_NAMES[0], given));
  }
  if (settings && settings.RELAY_PASS.length > 0 && given.RELAY_OWN_ORIGIN === "allow") {
    problems.push(
      "RELAY_OWN_ORIGIN: got allow, wants refuse beside RELAY_PASS: pages of strangers are of that origin",
    );
  }
  if (!settings || !keys || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return toConfig(settings, keys);
}

/** What was given, read; undefined where any of it is wrong. */
function readSettings(given: Record<string, string>): { settings?: Settings; problems: string[] } {
  const settings: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    try {
      settings[name] = given[name] ? setting.read(given[name]) : setting.initial();
    } catch {
      problems.push(problemOf(name as SettingName, given));
    }
  }
  return problems.length > 0 ? { problems } : { settings: settings as Settings, problems };
}

/** Where a key for upstream is looked for, in this order. */
const KEY_NAMES = [
  "SUPABASE_PUBLISHABLE_KEYS",
  "SUPABASE_PUBLISHABLE_KEY",
  "SUPABASE_ANON_KEY",
] as const;

function publicKeysOf(settings: Settings): string[] {
  const { default: first, ...others } = settings.SUPABASE_PUBLISHABLE_KEYS ??
    {};
  const { SUPABASE_PUBLISHABLE_KEY: single, SUPABASE_ANON_KEY: anon } = settings;
  return [first, ...Object.values(others), single, anon].flatMap((key) => key?.trim() || []);
}

function toConfig(settings: Settings, keys: string[]): Config {
  return {
    supabaseUrl: new URL(settings.SUPABASE_URL.replace(/\/*$/, "/")),
    upstreamKey: keys[0],
    publicKeys: keys,
    anonymous: settings.RELAY_ANONYMOUS,
    share: settings.RELAY_SHARE,
    jwtSecret: settings.RELAY_JWT_SECRET ?? settings.JWT_SECRET,
    jwks: settings.SUPABASE_JWKS,
    issuers: settings.RELAY_ISSUER,
    audiences: settings.RELAY_AUDIENCE,
    otherIssuers: settings.RELAY_ISSUERS,
    origins: settings.RELAY_ORIGINS,
    ownOrigin: settings.RELAY_OWN_ORIGIN,
    absentOrigin: settings.RELAY_ABSENT_ORIGIN,
    roles: settings.RELAY_ROLES,
    revoke: settings.RELAY_REVOKE,
    revokeMs: settings.RELAY_REVOKE_S * 1000,
    policy: settings.RELAY_POLICY,
    trustedProxies: settings.RELAY_TRUSTED_PROXIES,
    maxSockets: settings.RELAY_MAX_SOCKETS,
    waitingMax: settings.RELAY_WAITING_MAX,
    maxSocketsPerUser: settings.RELAY_MAX_SOCKETS_PER_USER,
    maxSocketsPerAddress: settings.RELAY_MAX_SOCKETS_PER_ADDRESS,
    handshakesPerMinute: settings.RELAY_HANDSHAKES_PER_MINUTE,
    framesPerSecond: settings.RELAY_FRAMES_PER_SECOND,
    frameBurst: settings.RELAY_FRAME_BURST,
    cpuShare: settings.RELAY_CPU_SHARE,
    maxFrameBytes: settings.RELAY_MAX_FRAME_BYTES,
    maxJoins: settings.RELAY_MAX_JOINS,
    joinTimeoutMs: settings.RELAY_JOIN_TIMEOUT_MS,
    maxSilenceMs: settings.RELAY_MAX_SILENCE_S * 1000,
    drainMs: settings.RELAY_DRAIN_MS,
    metricsToken: settings.RELAY_METRICS_TOKEN,
    pass: settings.RELAY_PASS,
    host: settings.RELAY_HOST,
    port: settings.PORT,
    refusalDelayMs: settings.RELAY_REFUSAL_DELAY_MS,
    refusalMax: settings.RELAY_REFUSAL_MAX,
    dialTimeoutMs: settings.RELAY_DIAL_TIMEOUT_MS,
    maxUnsentBytes: settings.RELAY_MAX_UNSENT_BYTES,
  };
}

/** A secret key, a JWT, or a URL with a password: in whatever variable, everybody may read the problems. */
const SECRET = /sb_secret_|eyJ[\w-]+\.|\/\/\S*:\S*@/;

function problemOf(name: SettingName, given: Record<string, string>): string {
  const { hidden, wants }: Setting<unknown> = SETTINGS[name];
  const value = given[name];
  const isHidden = hidden || SECRET.test(value ?? "");
  const got = !value ? "nothing" : isHidden ? "a value that is not shown" : value;
  return `${name}: got ${got}, wants ${wants}`;
}
