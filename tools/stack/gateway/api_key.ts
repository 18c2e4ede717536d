import type { Keys } from "../keys.ts";

/** The legacy JWT that stands for an API key behind the gateway; undefined for an unknown key. */
export function tokenForKey(keys: Keys, key: string | undefined): string | undefined {
  switch (key) {
    case keys.publishableKey:
    case keys.anonKey:
      return keys.anonKey;
    case keys.secretKey:
    case keys.serviceRoleKey:
      return keys.serviceRoleKey;
  }
}

/**
 * What `authorization` becomes behind the gateway: a user's own token stays; none, or an opaque key
 * in its place (supabase-js sends `Bearer sb_publishable_…` when nobody is signed in), becomes the
 * token of the API key.
 */
export function swapAuthorization(
  authorization: string | undefined,
  token: string | undefined,
): string | undefined {
  if (authorization && !/^bearer +sb_/i.test(authorization)) return authorization;
  return token && `Bearer ${token}`;
}

/** The first `apikey` of a raw query (with or without its `?`). */
export function keyInQuery(query: string): string | undefined {
  return new URLSearchParams(query).get("apikey") ?? undefined;
}

/**
 * `query` with each known key in `apikey` swapped for its token. All else, unknown keys included,
 * stays as it came, byte for byte: they are for the server behind to judge.
 */
export function swapQuery(keys: Keys, query: string): string {
  return editPairs(query, (pair, key) => {
    const token = tokenForKey(keys, key);
    return token ? `apikey=${token}` : pair;
  });
}

/** `query` without `apikey`, which PostgREST would take for a filter on a column. */
export function dropKey(query: string): string {
  return editPairs(query, () => undefined);
}

function editPairs(query: string, edit: (pair: string, key: string) => string | undefined): string {
  const pairs = query.replace(/^\?/, "").split("&").map((pair) => {
    const key = keyInQuery(pair);
    return key === undefined ? pair : edit(pair, key);
  });
  const edited = pairs.filter((pair) => pair).join("&");
  return edited && `?${edited}`;
}
