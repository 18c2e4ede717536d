import { Buffer } from "node:buffer";
import { App, setExperimental } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { type DemoUser, seedDemoUsers } from "./demo_users.ts";
import type { Keys } from "../keys.ts";
import type { Log } from "../log.ts";
import { aloud, quietly } from "./quiet.ts";
import { bearerToken, refuse, tokenVerifier, type Verifier } from "./rest_token.ts";
import { StorageFiles } from "./storage_files.ts";
import { translated } from "./storage_words.ts";

interface ApiOptions {
  /** Role `postgres`, which may become anon, authenticated or service_role. */
  databaseUrl: string;
  keys: Keys;
  /** Where the Auth server sends people back to. */
  siteUrl: string;
  /** Those of somebody's project, in which nobody gets demo users. */
  settings?: ApiSettings;
  log?: Log;
}

/** What a project sets in its config.toml, by the names there. */
export interface ApiSettings {
  api: { schemas: string[]; extra_search_path: string[]; max_rows: number };
  auth: {
    additional_redirect_urls?: string[];
    jwt_expiry?: number;
    enable_signup: boolean;
    enable_anonymous_sign_ins: boolean;
    minimum_password_length?: number;
  };
  /** Undefined where Storage is off. */
  storage?: {
    file_size_limit?: string;
    buckets?: Record<
      string,
      { public: boolean; file_size_limit?: string; allowed_mime_types?: string[] }
    >;
    /** Where its files are kept. */
    directory: string;
  };
}

/** The REST, Auth and Storage servers: `/rest/v1/*`, `/auth/v1/*` and `/storage/v1/*`. */
export interface Api {
  /**
   * Answers as PostgREST and GoTrue do behind Supabase's gateway, which has checked and swapped the
   * API key: `authorization` bears the JWT to act as, and `apikey` is a JWT too.
   */
  fetch(request: Request): Promise<Response>;
  users: DemoUser[];
  /** Reads the schema, as migrations have left it: the first to ask would wait for that. */
  ready(): Promise<void>;
  /** Closes the connections to the database. */
  stop(): Promise<void>;
}

/** What is under way gets this long; without a bound, requests that wait in line hold up the end. */
const STOP_S = 1;

/** Starts REST and Auth (@supabase/lite) on the database; makes schema auth and the demo users. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { databaseUrl, keys, settings, log } = options;
  const verify = tokenVerifier(keys.jwtSecret);
  const app = createApp(options, verify);
  const listen = (message: string) => {
    // Whoever reads docs/LOCAL_STACK.md knows how far Storage goes.
    if (!message.startsWith("EXPERIMENTAL FEATURES")) log?.({ part: "api", message });
  };
  const fetch = (request: Request): Promise<Response> =>
    quietly(listen, async () => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/storage/v1")) {
        return await translated(asRole(request), app.fetch);
      }
      if (!pathname.startsWith("/rest/v1")) return await app.fetch(request);
      const token = bearerToken(request.headers.get("authorization"));
      const verdict = token ? await verify(token) : refuse("PGRST302", "No bearer token");
      return "refusal" in verdict ? verdict.refusal : await rest(app, asRole(request));
    });
  await quietly(listen, () => app.ensureSystemSchema());
  const users = settings
    ? []
    : await seedDemoUsers(databaseUrl, keys.userPassword, async (email) => {
      const answer = await fetch(signUp(email, keys));
      if (!answer.ok) {
        throw new Error(`The demo user ${email} could not be made: ${answer.status}.`);
      }
    });
  const ready = async () => void await fetch(firstQuestion(keys));
  return { fetch, users, ready, stop: () => app.connection.driver.end({ timeout: STOP_S }) };
}

/** PostgREST says and takes bytes as PostgreSQL's own text, such as `\x00ff`. */
const TEXT_BYTEA = {
  ...{ to: 17, from: [17] },
  serialize: (bytes: string | Uint8Array) =>
    typeof bytes === "string" ? bytes : `\\x${Buffer.from(bytes).toString("hex")}`,
  parse: (text: string) => text,
};

type RestApp = ReturnType<typeof createApp>;

function createApp(options: ApiOptions, verify: Verifier) {
  const { databaseUrl, keys, siteUrl, settings, log } = options;
  const connection = createPostgresConnection({
    url: databaseUrl,
    postgresOptions: { onnotice: () => {}, types: { bytea: TEXT_BYTEA } },
  });
  keepGrants(connection);
  const { directory, ...storage } = settings?.storage ?? {};
  if (directory) setExperimental("storage", true);
  const app = new App({
    connection,
    auth: { enabled: true, jwt_secret: keys.jwtSecret, site_url: siteUrl, ...settings?.auth },
    ...(settings && { api: settings.api, storage: { enabled: Boolean(directory), ...storage } }),
    options: {
      server: {
        disableStudio: true,
        disableFallback: true,
        apiKeys: {
          // The role is the token's alone; what kind of key it came from is the gateway's affair.
          resolver: async (token) => {
            const verdict = await verify(token);
            return "claims" in verdict ? { type: "publishable", claims: verdict.claims } : null;
          },
        },
      },
      drivers: {
        email: {
          // Nothing here delivers mail, and the link in it is a secret: say only that there was one.
          send: ({ to, subject }) =>
            Promise.resolve(
              aloud(() => log?.({ part: "auth", event: "mail not delivered", to, subject })),
            ),
        },
      },
    },
  });
  if (directory) app._storageAdapter = new StorageFiles(directory);
  return app;
}

/**
 * Before its first request under row level security @supabase/lite grants the API roles all that is
 * in every schema with policies, and what will be: what migrations revoke would not hold. It does
 * not where it believes that it has done so.
 */
function keepGrants(connection: object) {
  if (!Reflect.has(connection, "rlsState")) {
    throw new Error("This version of @supabase/lite grants rights in some other way: look how.");
  }
  Reflect.set(connection, "rlsState", "active");
}

/**
 * @supabase/lite takes the token of a user it does not know for anonymous. As an API key, which our
 * resolver judges, any token that the project signed means what it says, as with PostgREST.
 */
function asRole(request: Request): Request {
  const headers = new Headers(request.headers);
  const token = bearerToken(headers.get("authorization"));
  if (!token) return request;
  headers.delete("authorization");
  headers.set("apikey", token);
  return new Request(request, { headers });
}

/** What is answered if a table, column or function is not there; nothing was changed then. */
const NOT_THERE = new Set(["PGRST200", "PGRST202", "PGRST204", "PGRST205", "42703", "42883"]);

/** Asks again where lite may have judged by a picture of the schema older than a migration. */
async function rest(app: RestApp, request: Request): Promise<Response> {
  const answer = await app.fetch(request.clone());
  if (answer.status !== 404 && answer.status !== 400) return answer;
  const error = await answer.clone().json().catch(() => null);
  if (!NOT_THERE.has(error?.code)) return answer;
  await app.connection.clearSchemaCache();
  return await app.fetch(request);
}

const firstQuestion = ({ anonKey }: Keys) =>
  new Request("http://localhost/rest/v1/short_links?limit=0", {
    headers: { apikey: anonKey, authorization: `Bearer ${anonKey}` },
  });

function signUp(email: string, keys: Keys): Request {
  return new Request("http://localhost/auth/v1/signup", {
    method: "POST",
    headers: { apikey: keys.anonKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: keys.userPassword }),
  });
}
