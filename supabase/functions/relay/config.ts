import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import { isSecretKey } from "./keys.ts";

/** The relay's settings, checked; made by readConfig() alone. */
export interface Config {
  /** The project's URL; ends with a slash, so that relative paths append. */
  supabaseUrl: URL;
  /** The key that goes upstream as `apikey`: a publishable key or the legacy anon key. */
  upstreamKey: string;
  /** The keys that name an anonymous viewer. */
  publicKeys: readonly string[];
  anonymous: "allow" | "refuse";
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
  /** Where a standalone relay listens. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  refusalDelayMs: number;
  refusalMax: number;
  dialTimeoutMs: number;
  maxUnsentBytes: number;
}

/** The environment is wrong: one sentence for each variable, all at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

const items = z.string().transform((text) =>
  text.split(",").map((item) => item.trim()).filter(Boolean)
);
const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});
const publicKey = z.string().refine((key) => !isSecretKey(key));
const keyList = z.array(z.looseObject({ kty: z.string() }));
const origin = z.string().regex(/^(\*|null|https?:\/\/(\*\.)?[^/*\s]+)$/);
const number = (min: number, max: number, initial: number, unit: string) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(min).max(max))
    .default(initial).meta({ wants: `${unit} from ${min} to ${max}` });

/** Every variable that the relay reads; docs/CONFIGURATION.md describes them. */
const SETTINGS = z.object({
  SUPABASE_URL: z.url({ protocol: /^https?$/ })
    .meta({ wants: "the project's URL, such as https://abc.supabase.co" }),
  SUPABASE_PUBLISHABLE_KEYS: json.pipe(z.record(z.string(), publicKey))
    .optional()
    .meta({ wants: 'a JSON map of publishable keys such as {"default":"…"}', hidden: true }),
  SUPABASE_PUBLISHABLE_KEY: publicKey.optional()
    .meta({ wants: "a publishable key, never a secret key", hidden: true }),
  SUPABASE_ANON_KEY: publicKey.optional()
    .meta({ wants: "the anon key, never the service_role key", hidden: true }),
  SUPABASE_JWKS: json
    .pipe(
      z.union([z.looseObject({ keys: keyList }), keyList.transform((keys) => ({ keys }))]),
    )
    .optional().meta({ wants: 'a JWK set such as {"keys":[…]}', hidden: true }),
  RELAY_JWT_SECRET: z.string().optional(),
  JWT_SECRET: z.string().optional(),
  RELAY_ANONYMOUS: z.enum(["allow", "refuse"]).default("refuse").meta({ wants: "allow or refuse" }),
  RELAY_ISSUER: items.default([]),
  RELAY_AUDIENCE: items.pipe(z.array(z.string()).min(1)).default(["authenticated"])
    .meta({ wants: "audiences, separated by commas" }),
  RELAY_ORIGINS: items.pipe(z.array(origin).min(1)).default(["*"])
    .meta({
      wants: "* or origins such as https://example.com,https://*.example.com",
    }),
  RELAY_HOST: z.string().default("0.0.0.0"),
  PORT: number(0, 65_535, 8787, "a port"),
  // Long enough that a client which reconnects at once for ever makes 4 attempts in 40 s, not 14.
  RELAY_REFUSAL_DELAY_MS: number(0, 60_000, 10_000, "milliseconds"),
  // A waiting refusal costs a socket's memory, so their number is bounded.
  RELAY_REFUSAL_MAX: number(0, 100_000, 256, "a number"),
  // Realtime waits 2 s before it refuses, so a shorter wait would hide its answer.
  RELAY_DIAL_TIMEOUT_MS: number(100, 60_000, 10_000, "milliseconds"),
  // Three of Realtime's largest frames (5 MB); a worker has 256 MB for all its sockets.
  RELAY_MAX_UNSENT_BYTES: number(65_536, 1 << 30, 16 << 20, "bytes"),
});

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
    problems.push(`${KEY_NAMES[0]}: got nothing, wants ${wantsOf(KEY_NAMES[0])}`);
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

function publicKeysOf(settings: z.infer<typeof SETTINGS>): string[] {
  const { default: first, ...others } = settings.SUPABASE_PUBLISHABLE_KEYS ??
    {};
  const { SUPABASE_PUBLISHABLE_KEY: single, SUPABASE_ANON_KEY: anon } = settings;
  return [first, ...Object.values(others), single, anon].filter((key) => key !== undefined);
}

function toConfig(settings: z.infer<typeof SETTINGS>, keys: string[]): Config {
  return {
    supabaseUrl: new URL(settings.SUPABASE_URL.replace(/\/*$/, "/")),
    upstreamKey: keys[0],
    publicKeys: keys,
    anonymous: settings.RELAY_ANONYMOUS,
    jwtSecret: settings.RELAY_JWT_SECRET ?? settings.JWT_SECRET,
    jwks: settings.SUPABASE_JWKS,
    issuers: settings.RELAY_ISSUER,
    audiences: settings.RELAY_AUDIENCE,
    origins: settings.RELAY_ORIGINS,
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
  return [...names].map((name) => {
    const hidden = SETTINGS.shape[name].meta()?.hidden;
    const got = !given[name] ? "nothing" : hidden ? "a value that is not shown" : given[name];
    return `${name}: got ${got}, wants ${wantsOf(name)}`;
  });
}

function wantsOf(name: keyof typeof SETTINGS.shape): string {
  return String(SETTINGS.shape[name].meta()?.wants);
}
