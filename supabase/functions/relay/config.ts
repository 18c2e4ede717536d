import type { JSONWebKeySet } from "jose";
import type { z } from "zod";
import { SETTINGS, type Settings } from "./settings.ts";

/** The relay's settings, checked; made by readConfig() alone. */
export interface Config {
  /** The project's URL; ends with a slash, so that relative paths append. */
  supabaseUrl: URL;
  /** The key that goes upstream as `apikey`: a publishable key or the legacy anon key. */
  upstreamKey: string;
  /** The keys that name an anonymous viewer. */
  publicKeys: readonly string[];
  anonymous: "allow" | "refuse";
  /** Whose equal joins share one channel upstream. */
  share: "anonymous" | "off";
  /** The project's HS256 secret, where the relay was given it. */
  jwtSecret: string | undefined;
  /** The project's public keys, where the platform hands them in. */
  jwks: JSONWebKeySet | undefined;
  /** Accepted `iss`; empty accepts any, since the signature is the proof. */
  issuers: readonly string[];
  /** Accepted `aud`. */
  audiences: readonly string[];
  /** Accepted `Origin`: exact, `https://*.example.com`, or `*`. */
  origins: readonly string[];
  /** Whether a request without Origin, as programs send it, is let in. */
  absentOrigin: "allow" | "refuse";
  /** Accepted roles; `*` is every role but service_role. */
  roles: readonly string[];
  /** What each role may do; `*` is for roles that are not named. */
  policy: Readonly<Record<string, Policy>>;
  /** How many entries of X-Forwarded-For, from its end, trusted proxies wrote; 0 trusts none. */
  trustedProxies: number;
  /** Undefined leaves it to the runtime. */
  maxSockets: number | undefined;
  maxSocketsPerUser: number;
  maxSocketsPerAddress: number;
  handshakesPerMinute: number;
  framesPerSecond: number;
  frameBurst: number;
  maxFrameBytes: number;
  maxJoins: number;
  joinTimeoutMs: number;
  maxSilenceMs: number;
  drainMs: number;
  /** Where a standalone relay listens. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  refusalDelayMs: number;
  refusalMax: number;
  dialTimeoutMs: number;
  maxUnsentBytes: number;
}

/** What a role may do beyond what row level security decides. */
export interface Policy {
  /** Topics without `realtime:`, exact or with a trailing `*`. Default: all. */
  topics?: readonly string[];
  /** Tables as `schema.table`, exact or with a trailing `*`. Default: all. */
  tables?: readonly string[];
  /** May receive, may neither broadcast nor track. Default: false. */
  readOnly?: boolean;
  /** May join private channels alone. Default: false. */
  privateOnly?: boolean;
}

/** The environment is wrong: one sentence for each variable, all at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

/** The names of all variables, for the documentation and its test. */
export const settingNames = Object.keys(SETTINGS.shape);

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
  const parsed = SETTINGS.safeParse(given);
  const keys = parsed.data && publicKeysOf(parsed.data);
  const problems = parsed.error ? problemsOf(parsed.error, given) : [];
  if (keys ? keys.length === 0 : !KEY_NAMES.some((name) => given[name])) {
    problems.push(problemOf(KEY_NAMES[0], given));
  }
  if (!parsed.data || !keys || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return toConfig(parsed.data, keys);
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
    origins: settings.RELAY_ORIGINS,
    absentOrigin: settings.RELAY_ABSENT_ORIGIN,
    roles: settings.RELAY_ROLES,
    policy: settings.RELAY_POLICY,
    trustedProxies: settings.RELAY_TRUSTED_PROXIES,
    maxSockets: settings.RELAY_MAX_SOCKETS,
    maxSocketsPerUser: settings.RELAY_MAX_SOCKETS_PER_USER,
    maxSocketsPerAddress: settings.RELAY_MAX_SOCKETS_PER_ADDRESS,
    handshakesPerMinute: settings.RELAY_HANDSHAKES_PER_MINUTE,
    framesPerSecond: settings.RELAY_FRAMES_PER_SECOND,
    frameBurst: settings.RELAY_FRAME_BURST,
    maxFrameBytes: settings.RELAY_MAX_FRAME_BYTES,
    maxJoins: settings.RELAY_MAX_JOINS,
    joinTimeoutMs: settings.RELAY_JOIN_TIMEOUT_MS,
    maxSilenceMs: settings.RELAY_MAX_SILENCE_S * 1000,
    drainMs: settings.RELAY_DRAIN_MS,
    host: settings.RELAY_HOST,
    port: settings.PORT,
    refusalDelayMs: settings.RELAY_REFUSAL_DELAY_MS,
    refusalMax: settings.RELAY_REFUSAL_MAX,
    dialTimeoutMs: settings.RELAY_DIAL_TIMEOUT_MS,
    maxUnsentBytes: settings.RELAY_MAX_UNSENT_BYTES,
  };
}

function problemsOf(error: z.ZodError, given: Record<string, string>): string[] {
  const names = new Set(error.issues.map((issue) => issue.path[0] as keyof typeof SETTINGS.shape));
  return [...names].map((name) => problemOf(name, given));
}

function problemOf(name: keyof typeof SETTINGS.shape, given: Record<string, string>): string {
  const { hidden, wants } = SETTINGS.shape[name].meta() ?? {};
  const got = !given[name] ? "nothing" : hidden ? "a value that is not shown" : given[name];
  return `${name}: got ${got}, wants ${wants}`;
}
