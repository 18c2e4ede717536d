import type { Options } from "./options.ts";

/** What tokens and keys are made of. */
const WORDS = /[\w.-]+/g;
/** Variables whose values are nobody's business. */
const SECRET_NAMES = /KEY|SECRET|PASSWORD|TOKEN|JWKS|PASS$|DSN|_URL$/;
/** Shorter ones are words that occur anyway, and no secrets. */
const MIN_LENGTH = 6;

/**
 * What the doctor prints passes through this last: secrets that were given, in any place, and
 * whatever looks like one, are cut out.
 */
export function hiderOf(options: Pick<Options, "db" | "envFile"> & Partial<Options>) {
  const { key, token, jwtSecret, db, dbEncKey, dbEncKeyGcm, envFile } = options;
  const variables = Object.entries(envFile?.variables ?? {})
    .filter(([name, value]) => SECRET_NAMES.test(name) && !/^https?:/.test(value))
    .map(([, value]) => value);
  const password = db ? new URL(db).password : "";
  const secrets = [key, token, jwtSecret, db, dbEncKey, dbEncKeyGcm, ...variables]
    .concat(password, decodeURIComponent(password))
    .filter((secret): secret is string => secret !== undefined && secret.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  return (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, "(hidden)"), text)
      .replace(WORDS, (word) => looksSecret(word) ? "(hidden)" : word);
}

/**
 * Whatever looks like a token or a key, also where nobody gave it: a server may repeat one. Part by
 * part, since a pattern for a whole token would look for its end from each `eyJ` of a long answer.
 */
function looksSecret(word: string): boolean {
  const parts = word.split(".");
  return /sb_(?:secret|publishable)_[\w-]/.test(word) ||
    parts.some((part, n) => /eyJ[\w-]{8}/.test(part) && /^[\w-]{8}/.test(parts[n + 1] ?? "")) &&
      parts.length >= 3;
}
