import type { DemoUser } from "./api/demo_users.ts";
import type { Keys } from "./keys.ts";
import type { LeftOut } from "./migrate/tell.ts";
import type { Port } from "./project/ports.ts";

/** What `supabase status -o json` calls these things, and what is this project's own. */
export interface StackInfo extends Partial<ProjectInfo> {
  API_URL: string;
  /** As superuser. */
  DB_URL: string;
  PUBLISHABLE_KEY: string;
  SECRET_KEY: string;
  ANON_KEY: string;
  SERVICE_ROLE_KEY: string;
  JWT_SECRET: string;
  RELAY_URL: string;
  /** None where the stack runs somebody's project. */
  USERS: { email: string; password: string; id: string }[];
}

/** What there is besides where the stack runs somebody's project. */
export interface ProjectInfo {
  /** Absolute path of its `supabase` folder. */
  PROJECT: string;
  /** Addresses of its functions, by their names. */
  FUNCTIONS: Record<string, string>;
  /** The ports that its config.toml names, and those that are used. */
  PORTS: { api: Port; db: Port };
  /** The statements of its migrations and seeds that the database lacks. */
  LEFT_OUT: LeftOut[];
}

/** Everything that a client of the stack may want to know. */
export function describe(
  origin: string,
  databaseUrl: string,
  keys: Keys,
  users: DemoUser[],
): StackInfo {
  return {
    API_URL: origin,
    DB_URL: databaseUrl,
    PUBLISHABLE_KEY: keys.publishableKey,
    SECRET_KEY: keys.secretKey,
    ANON_KEY: keys.anonKey,
    SERVICE_ROLE_KEY: keys.serviceRoleKey,
    JWT_SECRET: keys.jwtSecret,
    RELAY_URL: `${origin}/functions/v1/relay`,
    USERS: users.map(({ email, id }) => ({ email, password: keys.userPassword, id })),
  };
}

/** Where a project's functions are called, by their names. */
export function functionUrls(origin: string, names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${origin}/functions/v1/${name}`]));
}

/**
 * The environment of functions: what Supabase gives to each, and the relay's own. A project's get the
 * secret keys too, as on hosted projects, and the database's address.
 */
export function functionEnv(origin: string, keys: Keys, databaseUrl = "") {
  const redirect = {
    SUPABASE_URL: origin,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
    SUPABASE_ANON_KEY: keys.anonKey,
  };
  const relay = {
    ...redirect,
    RELAY_JWT_SECRET: keys.jwtSecret,
    // Whoever tries a wrong token here wants to see the refusal now, and is no crowd.
    RELAY_REFUSAL_DELAY_MS: "0",
    // Ctrl-C ends everything at once.
    RELAY_DRAIN_MS: "0",
  };
  const anybodys = {
    ...redirect,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secretKey }),
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRoleKey,
    SUPABASE_DB_URL: databaseUrl,
    // As Auth serves it: all tokens are signed with the secret, which is in no key set.
    SUPABASE_JWKS: JSON.stringify({ keys: [] }),
  };
  return { relay, redirect, function: anybodys };
}

/** What the links page is told: nothing secret, for whoever opens it can read it. */
export function siteConfig({ PUBLISHABLE_KEY, USERS }: StackInfo) {
  return { key: PUBLISHABLE_KEY, demo: USERS.map(({ email }) => email) };
}
