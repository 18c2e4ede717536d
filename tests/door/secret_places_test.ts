import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { readCredential } from "../../supabase/functions/relay/door/credential.ts";
import { relayEnv } from "../support/served_relay.ts";
import { inSeconds, PUBLISHABLE_KEY, SECRET_KEY, sign } from "../support/tokens.ts";

const config = readConfig(relayEnv("http://127.0.0.1:1"));
const good = await sign();
const forged = (role: string) => sign({ role, exp: inSeconds(-60) }, "nobody's");
const keys = {
  "sb_secret_": SECRET_KEY,
  service_role: await forged("service_role"),
  postgres: await forged("postgres"),
};
const base64 = (text: string) => btoa(text).replace(/=+$/, "");
const many = (count: number) => Array.from({ length: count }, (_, n) => `a${n}`);

/** A request with a good token, and beside it what is added here. */
interface Request {
  path?: string;
  query?: [string, string][];
  headers?: [string, string][];
}

/** Every place, by the key that stands there. */
const places: Record<string, (key: string) => Request> = {
  "query jwt, first": (key) => ({ query: [["jwt", key]] }),
  "query apikey": (key) => ({ query: [["apikey", key]] }),
  "query apikey, twice": (key) => ({ query: [["apikey", PUBLISHABLE_KEY], ["apikey", key]] }),
  "query apikey in capitals": (key) => ({ query: [["ApiKey", key]] }),
  "query token": (key) => ({ query: [["token", key]] }),
  "query access_token": (key) => ({ query: [["access_token", key]] }),
  "query Authorization": (key) => ({ query: [["Authorization", `Bearer ${key}`]] }),
  "query of any name": (key) => ({ query: [["x", key]] }),
  "query without a value": (key) => ({ query: [[key, ""]] }),
  "path": (key) => ({ path: `/functions/v1/${key}/relay` }),
  "path, escaped": (key) => ({ path: `/${key.replaceAll("_", "%5F")}/relay` }),
  "path, escaped twice": (key) => ({ path: `/${key.replaceAll(/[_.]/g, escapedTwice)}/relay` }),
  "path of a broadcast": (key) => ({ path: `/relay/api/broadcast/${key}/events/e` }),
  "Authorization": (key) => ({ headers: [["authorization", `Bearer ${key}`]] }),
  "Authorization in small letters": (key) => ({ headers: [["authorization", `bearer\t ${key} `]] }),
  "Authorization without a scheme": (key) => ({ headers: [["authorization", key]] }),
  "Authorization of another scheme": (key) => ({ headers: [["authorization", `Token ${key}`]] }),
  "Authorization by a parameter": (key) => ({
    headers: [["authorization", `ApiKey key="${key}"`]],
  }),
  "Authorization twice": (key) => ({
    headers: [["authorization", "Bearer sb_publishable_x"], ["authorization", `Bearer ${key}`]],
  }),
  "Authorization Basic, as password": (key) => ({
    headers: [["authorization", `Basic ${btoa(`user:${key}`)}`]],
  }),
  "Authorization Basic, as user": (key) => ({
    headers: [["authorization", `basic ${base64(`${key}:`)}`]],
  }),
  "Proxy-Authorization": (key) => ({ headers: [["proxy-authorization", `Bearer ${key}`]] }),
  "header apikey": (key) => ({ headers: [["apikey", key]] }),
  "header apikey, twice": (key) => ({ headers: [["apikey", PUBLISHABLE_KEY], ["apikey", key]] }),
  "header apikey, twice, first": (key) => ({ headers: [["apikey", key], ["apikey", "x"]] }),
  "header apikey with a scheme": (key) => ({ headers: [["apikey", `Bearer ${key}`]] }),
  "header api-key": (key) => ({ headers: [["api-key", key]] }),
  "header x-api-key": (key) => ({ headers: [["X-Api-Key", key]] }),
  "header x-api-key, twice": (key) => ({ headers: [["x-api-key", "x"], ["x-api-key", key]] }),
  "header sb-api-key": (key) => ({ headers: [["sb-api-key", key]] }),
  "subprotocol jwt-": (key) => protocols("realtime-relay.v1", `jwt-${key}`),
  "subprotocol without a prefix": (key) => protocols("realtime-relay.v1", key),
  "subprotocol of another prefix": (key) => protocols(`token-${key}`, "phoenix"),
  "subprotocol of phoenix.js": (key) => protocols("phoenix", `base64url.bearer.phx.${base64(key)}`),
  "subprotocol of phoenix.js, bare": (key) => protocols("phoenix", `base64url.bearer.phx.${key}`),
  "subprotocol of a prefix with dots": (key) => protocols("phoenix", `bearer.phx.${key}`),
  "query, between dots": (key) => ({ query: [["x", `key.${key}.v1`]] }),
  "the 17th subprotocol": (key) => protocols(...many(16), `jwt-${key}`),
  "the last of 300 subprotocols": (key) => protocols(...many(299), key),
};

/** As by two programs, one behind the other. */
const escapedTwice = (letter: string) => `%25${letter.charCodeAt(0).toString(16)}`;

function protocols(...names: string[]): Request {
  return { headers: [["sec-websocket-protocol", names.join(", ")]] };
}

function read({ path = "/functions/v1/relay", query = [], headers = [] }: Request) {
  const url = new URL(`http://relay.test${path}?${new URLSearchParams(query)}&jwt=${good}`);
  return readCredential(url, new Headers(headers), config);
}

for (const [place, carry] of Object.entries(places)) {
  Deno.test(`a secret key beside a good token is refused: ${place}`, () => {
    for (const [name, key] of Object.entries(keys)) {
      assert.throws(() => read(carry(key)), { code: "secret_key" }, name);
    }
  });
}

Deno.test("what only looks a little like a secret key is no reason to refuse", async () => {
  const anon = await sign({ role: "anon", sub: undefined });
  const harmless: Request[] = [
    { query: [["apikey", PUBLISHABLE_KEY], ["note", "secret"], ["x", "sb_secre"]] },
    { headers: [["sb-api-key", anon], ["x-api-key", PUBLISHABLE_KEY]] },
    { headers: [["cookie", `key=${SECRET_KEY}`], ["referer", `https://x.test/?k=${SECRET_KEY}`]] },
    { headers: [["authorization", "Basic !"]] },
    { headers: [["authorization", `Basic ${btoa("user:password")}`]] },
    { path: "/%ff/%/relay" },
    { path: "/a.b.c/relay" },
    protocols(...many(15), "realtime-relay.v1"),
  ];
  for (const request of harmless) {
    assert.deepEqual(read(request), { kind: "token", token: good }, JSON.stringify(request));
  }
});

Deno.test("a list or a header beyond any use is refused, not half read", () => {
  const long = "x".repeat(16_385);
  const requests: Request[] = [
    protocols(...many(17)),
    protocols(long),
    { query: [["x", long]] },
    ...["authorization", "apikey", "x-api-key", "sb-api-key"].map((name): Request => ({
      headers: [[name, long]],
    })),
  ];
  for (const request of requests) {
    const [name] = request.headers?.[0] ?? request.query![0];
    assert.throws(() => read(request), { code: "bad_request" }, name);
  }
});

Deno.test("of tokens, each of which is decoded, a request carries 16 at most", () => {
  const carry = (count: number): Request => ({
    query: Array.from({ length: count }, (_, n) => [`x${n}`, good]),
  });
  // Beside the one that read() adds.
  assert.deepEqual(read(carry(15)), { kind: "token", token: good });
  assert.throws(() => read(carry(16)), { code: "bad_request" });
});
