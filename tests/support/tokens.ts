import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** The HS256 secret of the test project; exists only in tests. */
export const SECRET = "test-secret-of-a-project-that-does-not-exist";
export const PUBLISHABLE_KEY = "sb_publishable_test_key_of_a_project";
export const SECRET_KEY = "sb_secret_test_key_of_a_project";
export const ALICE = "a11ce000-0000-4000-8000-000000000001";
export const BOB = "b0b00000-0000-4000-8000-000000000002";

/** Seconds since the epoch, `offset` seconds from now. */
export const inSeconds = (offset: number) => Math.floor(Date.now() / 1000) + offset;

/** The claims of a user that Supabase Auth would sign in; `undefined` takes one away. */
export function claimsOf(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const claims = { sub: ALICE, role: "authenticated", aud: "authenticated", exp: inSeconds(3600) };
  return JSON.parse(JSON.stringify({ ...claims, ...changes }));
}

/** A token of the test project, with changed claims. */
export function sign(changes: Record<string, unknown> = {}, secret = SECRET): Promise<string> {
  return new SignJWT(claimsOf(changes)).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

/** The legacy anon key of the test project. */
export const signAnonKey = () =>
  sign({ sub: undefined, aud: undefined, role: "anon", exp: inSeconds(1e8) });

/** A token whose header says that nobody signed it. */
export function unsigned(changes: Record<string, unknown> = {}): string {
  return `${encode({ alg: "none", typ: "JWT" })}.${encode(claimsOf(changes))}.`;
}

/** A key pair and its public JWK, for projects with asymmetric keys. */
export async function keyPair(kid: string, alg = "ES256") {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...await exportJWK(publicKey), kid, alg, use: "sig" };
  const signWith = (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    new SignJWT(claimsOf(changes)).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  return { jwk, sign: signWith, publicKey };
}

function encode(value: unknown): string {
  return btoa(JSON.stringify(value)).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
}
