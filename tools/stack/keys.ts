import { dirname, join } from "node:path";
import { SignJWT } from "jose";
import { z } from "zod";
import { reasonOf } from "./log.ts";

/** What a Supabase project calls its API keys, plus the password of the two demo users. */
export interface Keys {
  /** Signs every HS256 token of the stack; 43 characters. */
  jwtSecret: string;
  /** Legacy API keys: JWTs of role anon and service_role, valid for ten years. */
  anonKey: string;
  serviceRoleKey: string;
  /** The opaque keys that took their place. */
  publishableKey: string;
  secretKey: string;
  userPassword: string;
}

const KEYS_FILE = "keys.json";
/** As long as the keys that `supabase start` prints: a stack must not fail on some later day. */
const TEN_YEARS_S = 10 * 365 * 24 * 3600;
/** Without 0, 1, i, l and o, which are hard to tell apart when a password is typed from a screen. */
const READABLE = "abcdefghjkmnpqrstuvwxyz23456789";

const stored = z.object({
  jwtSecret: z.string().min(32),
  anonKey: z.string().startsWith("ey"),
  serviceRoleKey: z.string().startsWith("ey"),
  publishableKey: z.string().startsWith("sb_publishable_"),
  secretKey: z.string().startsWith("sb_secret_"),
  userPassword: z.string().min(8),
});

/**
 * The keys kept in `<dataDir>/keys.json`; made at random on the first call, readable by their owner
 * only. Throws one sentence if the file is there but is not ours to read.
 */
export async function loadKeys(dataDir: string): Promise<Keys> {
  return await readKeys(dataDir) ?? await createKeys(join(dataDir, KEYS_FILE));
}

/** Like {@linkcode loadKeys}, but undefined where no stack was started on `dataDir` yet. */
export async function readKeys(dataDir: string): Promise<Keys | undefined> {
  const path = join(dataDir, KEYS_FILE);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`${path} cannot be read: run as its owner, or name another --data directory.`);
  }
  try {
    return stored.parse(JSON.parse(text));
  } catch {
    // The parser's own message would quote the file, and with it a key.
    throw new Error(`${path} does not hold the stack's keys: delete it and new ones are made.`);
  }
}

/**
 * A JWT signed with HS256. `claims` go in as they are; `iat` is now and `exp` is now plus
 * `expiresInSeconds`, which may be negative where an expired token is wanted.
 */
export function signToken(
  jwtSecret: string,
  claims: Record<string, unknown>,
  expiresInSeconds: number,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iat: now, exp: now + expiresInSeconds, ...claims })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(jwtSecret));
}

async function createKeys(path: string): Promise<Keys> {
  const jwtSecret = random(32);
  const legacyKey = (role: string) =>
    // The issuer that `supabase start` has in its own keys.
    signToken(jwtSecret, { iss: "supabase-demo", role }, TEN_YEARS_S);
  const keys: Keys = {
    jwtSecret,
    anonKey: await legacyKey("anon"),
    serviceRoleKey: await legacyKey("service_role"),
    publishableKey: `sb_publishable_${random(24)}`,
    secretKey: `sb_secret_${random(24)}`,
    userPassword: readablePassword(),
  };
  await save(path, JSON.stringify(keys, null, 2) + "\n");
  return keys;
}

async function save(path: string, text: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    // Renamed into place, so that a start that is killed here leaves no half file.
    const draft = `${path}.${Deno.pid}`;
    await Deno.writeTextFile(draft, text, { mode: 0o600 });
    await Deno.rename(draft, path);
  } catch (error) {
    const [where, why] = [dirname(path), reasonOf(error)];
    throw new Error(`${where} cannot be written (${why}): name another --data directory.`);
  }
}

function random(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** Like "kp7x-3mhq-vd2n": 59 bits, which is plenty for a server on 127.0.0.1. */
function readablePassword(): string {
  const letters = Array.from(
    crypto.getRandomValues(new Uint32Array(12)),
    (n) => READABLE[n % READABLE.length],
  ).join("");
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}
