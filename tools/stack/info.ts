import type { DemoUser } from "./api/demo_users.ts";
import type { Keys } from "./keys.ts";

/** What `supabase status -o json` calls these things, and what is this project's own. */
export interface StackInfo {
  API_URL: string;
  /** As superuser. */
  DB_URL: string;
  PUBLISHABLE_KEY: string;
  SECRET_KEY: string;
  ANON_KEY: string;
  SERVICE_ROLE_KEY: string;
  JWT_SECRET: string;
  RELAY_URL: string;
  USERS: { email: string; password: string; id: string }[];
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

/** The environment of the two functions: what Supabase gives to each, and the relay's own. */
export function functionEnv(origin: string, keys: Keys) {
  const project = {
    SUPABASE_URL: origin,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
    SUPABASE_ANON_KEY: keys.anonKey,
  };
  const relay = {
    ...project,
    RELAY_JWT_SECRET: keys.jwtSecret,
    RELAY_ANONYMOUS: "allow",
    // Whoever tries a wrong token here wants to see the refusal now, and is no crowd.
    RELAY_REFUSAL_DELAY_MS: "0",
    // Ctrl-C ends everything at once.
    RELAY_DRAIN_MS: "0",
  };
  return { relay, redirect: project };
}

/** What the links page is told: nothing secret, for whoever opens it can read it. */
export function siteConfig({ PUBLISHABLE_KEY, USERS }: StackInfo) {
  return { key: PUBLISHABLE_KEY, demo: USERS.map(({ email }) => email) };
}
