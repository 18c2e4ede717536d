import { signToken } from "../../../tools/stack/keys.ts";
import { keyPair } from "../../support/tokens.ts";
import type { SetUp, Stage } from "./stage.ts";

const SECRET = "a secret of tests only, of more than 32 characters";
const TEN_YEARS_S = 3e8;
const anon = await signToken(SECRET, { role: "anon" }, TEN_YEARS_S);
const service = await signToken(SECRET, { role: "service_role" }, TEN_YEARS_S);

/** A .env of self-hosted Supabase that fits together. */
const RIGHT: Record<string, string> = {
  JWT_SECRET: SECRET,
  ANON_KEY: anon,
  SERVICE_ROLE_KEY: service,
  SECRET_KEY_BASE: "k".repeat(64),
  DB_ENC_KEY: "supabaserealtime",
  FUNCTIONS_VERIFY_JWT: "false",
  RELAY_ORIGINS: "https://example.com",
};

/** The doctor at an address that is well for whatever key, with a file that was changed. */
async function file(
  { stack, after }: Stage,
  changes: Record<string, string>,
  more = "",
): Promise<string[]> {
  const path = await Deno.makeTempFile({ suffix: ".env" });
  after(() => Deno.remove(path));
  const lines = Object.entries({ ...RIGHT, ...changes }).map(([name, value]) => `${name}=${value}`);
  await Deno.writeTextFile(path, lines.join("\n") + more);
  const { API_URL, ANON_KEY, JWT_SECRET } = stack.info;
  // The stack's own: those of the file are about another project.
  const own = ["--key", ANON_KEY, "--jwt-secret", JWT_SECRET];
  return [API_URL, "--quick", "--env-file", path, ...own];
}

const set = (changes: Record<string, string>, more?: string) => (stage: Stage) =>
  file(stage, changes, more);

/** All of the new keys: an asymmetric one, and the secret beside it. */
const pair = await keyPair("today");
const NEW_KEYS = {
  SUPABASE_PUBLISHABLE_KEY: "sb_publishable_abcdefghijklmn",
  SUPABASE_SECRET_KEY: "sb_secret_abcdefghijklmnop",
  ANON_KEY_ASYMMETRIC: await pair.sign({ role: "anon" }),
  SERVICE_ROLE_KEY_ASYMMETRIC: await pair.sign({ role: "service_role" }),
  JWT_KEYS: JSON.stringify([{ ...pair.jwk, d: "x" }]),
  JWT_JWKS: JSON.stringify({ keys: [pair.jwk] }),
};

export const HEALTHY_ENV_FILES: Omit<SetUp, "expect">[] = [
  { name: "an env file that fits together", make: set({}) },
  {
    name: "an env file that Compose makes fit together",
    make: set({
      API_JWT_SECRET: "${JWT_SECRET}",
      SECRET_KEY_BASE: `abc#${"k".repeat(64)} # of openssl`,
      DB_ENC_KEY: '"${NOTHING:-supabaserealtime}"',
    }),
  },
  { name: "an env file with all of the new keys", make: set(NEW_KEYS) },
];

/** What does not fit together in a .env. */
export const ENV_FILE_SET_UPS: SetUp[] = [
  {
    name: "an env file whose anon key was made with another secret",
    expect: "env_anon_key",
    make: async (stage) => {
      const other = await signToken("another secret of 32 characters!", { role: "anon" }, 60);
      return await file(stage, { ANON_KEY: other });
    },
  },
  {
    name: "an env file whose service key was made with another secret",
    expect: "env_service_key",
    make: async (stage) => {
      const claims = { role: "service_role" };
      const other = await signToken("another secret of 32 characters!", claims, 60);
      return await file(stage, { SERVICE_ROLE_KEY: other });
    },
  },
  {
    name: "an env file with a short JWT_SECRET",
    expect: "env_jwt_secret",
    make: set({ JWT_SECRET: "short", ANON_KEY: "", SERVICE_ROLE_KEY: "" }),
  },
  {
    name: "an env file with a DB_ENC_KEY of 32 characters",
    expect: "env_db_enc_key",
    make: set({ DB_ENC_KEY: "k".repeat(32) }),
  },
  {
    name: "an env file with a DB_ENC_KEY_GCM of 16 characters",
    expect: "env_db_enc_key_gcm",
    make: set({ DB_ENC_KEY_GCM: "k".repeat(16) }),
  },
  {
    name: "an env file with a short SECRET_KEY_BASE",
    expect: "env_secret_key_base",
    make: set({ SECRET_KEY_BASE: "k".repeat(32) }),
  },
  {
    name: "an env file with both keys swapped",
    expect: "env_key_roles",
    make: set({ ANON_KEY: service, SERVICE_ROLE_KEY: anon }),
  },
  {
    name: "an env file with the new keys swapped",
    expect: "env_key_roles",
    make: set({
      ...NEW_KEYS,
      SUPABASE_PUBLISHABLE_KEY: NEW_KEYS.SUPABASE_SECRET_KEY,
      SUPABASE_SECRET_KEY: NEW_KEYS.SUPABASE_PUBLISHABLE_KEY,
    }),
  },
  {
    name: "an env file with the tokens behind the new keys swapped",
    expect: "env_key_roles",
    make: set({
      ...NEW_KEYS,
      ANON_KEY_ASYMMETRIC: NEW_KEYS.SERVICE_ROLE_KEY_ASYMMETRIC,
      SERVICE_ROLE_KEY_ASYMMETRIC: NEW_KEYS.ANON_KEY_ASYMMETRIC,
    }),
  },
  {
    name: "an env file whose JWKS is a list, as JWT_KEYS is",
    expect: "env_jwks_missing",
    make: set({ ...NEW_KEYS, JWT_JWKS: JSON.stringify([pair.jwk]) }),
  },
  {
    name: "an env file whose anon key says no role",
    expect: "env_anon_key",
    make: async (stage) => await set({ ANON_KEY: await signToken(SECRET, {}, 60) })(stage),
  },
  {
    name: "an env file in which API_JWT_SECRET stayed behind",
    expect: "env_api_jwt_secret",
    make: set({ API_JWT_SECRET: "the secret of last year, of 32 chars" }),
  },
  {
    name: "an env file in which API_JWT_SECRET is another variable",
    expect: "env_api_jwt_secret",
    make: set({ OLD: "the secret of last year, of 32 chars", API_JWT_SECRET: "$OLD" }),
  },
  {
    name: "an env file with new keys, and without what they are made of",
    ...{ expect: "env_new_keys_half", says: /all four/ },
    make: set({ ...NEW_KEYS, ANON_KEY_ASYMMETRIC: "", SERVICE_ROLE_KEY_ASYMMETRIC: "" }),
  },
  {
    name: "an env file with a publishable key alone",
    expect: "env_new_keys_half",
    make: set({ SUPABASE_PUBLISHABLE_KEY: "sb_publishable_abcdefghijklmn" }),
  },
  {
    name: "an env file by which Auth signs what Realtime cannot verify",
    ...{ expect: "env_jwks_missing", says: /Realtime cannot verify/ },
    make: set({ ...NEW_KEYS, JWT_JWKS: "" }),
  },
  {
    name: "an env file whose JWKS is of another key",
    expect: "env_jwks_missing",
    make: set({ ...NEW_KEYS, JWT_JWKS: '{"keys":[{"kid":"yesterday","kty":"EC"}]}' }),
  },
  {
    name: "an env file with VERIFY_JWT on",
    expect: "env_verify_jwt",
    make: set({ FUNCTIONS_VERIFY_JWT: "true" }),
  },
  {
    name: "an env file whose relay does not serve the page's origin",
    expect: "env_relay_origin",
    make: async (stage) => [...await file(stage, {}), "--origin", "https://example.org"],
  },
  {
    name: "an env file whose JWKS is commented out",
    expect: "env_jwks_commented",
    make: set({}, '\n# JWT_JWKS={"keys":[]}\n'),
  },
  {
    name: "an env file with which the relay would not start",
    expect: "env_relay",
    make: set({ RELAY_ORIGINS: "example.com" }),
  },
];
