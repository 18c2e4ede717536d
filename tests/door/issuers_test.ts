import assert from "node:assert/strict";
import { createAuthenticator } from "../../supabase/functions/relay/door/authenticate.ts";
import type { User } from "../../supabase/functions/relay/door/identity.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { keyPair, PUBLISHABLE_KEY, SECRET, sign } from "../support/tokens.ts";

const CLERK = "https://clerk.example.com";
const FIREBASE = "https://securetoken.google.com/demo";

type Answers = Record<string, () => Response | Promise<Response>>;

/** A project that takes others' tokens too; `answers` are the network, by URL. */
function project(issuers: unknown[], answers: Answers, env: Record<string, string> = {}) {
  const asked: string[] = [];
  const clock = { ms: Date.now() };
  const config = readConfig({
    SUPABASE_URL: "https://project.test",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    RELAY_JWT_SECRET: SECRET,
    RELAY_ISSUERS: JSON.stringify(issuers),
    ...env,
  });
  const fetch = (input: RequestInfo | URL) => {
    asked.push(String(input));
    const answer = answers[String(input)] ?? (() => new Response(null, { status: 404 }));
    return Promise.resolve(answer());
  };
  const { authenticate, checks } = createAuthenticator(config, fetch, () => clock.ms);
  const check = (token: string) => authenticate({ kind: "token", token }) as Promise<User>;
  return { asked, clock, check, checks };
}

const discovery = (issuer: string, more: Record<string, unknown> = {}): Answers => ({
  [`${issuer}/.well-known/openid-configuration`]: () =>
    Response.json({ issuer, jwks_uri: `${issuer}/keys`, ...more }),
});
const keysAt = (url: string, ...keys: unknown[]): Answers => ({
  [url]: () => Response.json({ keys }),
});

/** As Clerk signs it: no `aud`, and a `sub` that is no UUID. */
const clerkClaims = { iss: CLERK, sub: "user_2abc", aud: undefined };

Deno.test("another issuer's token is checked by the keys that its discovery document names", async () => {
  const key = await keyPair("ins_1", "RS256");
  const answers = { ...discovery(CLERK), ...keysAt(`${CLERK}/keys`, key.jwk) };
  const { check, checks, asked } = project([{ issuer: CLERK, audience: "any" }], answers);
  const user = await check(await key.sign(clerkClaims));
  assert.deepEqual([user.id, user.role], ["user_2abc", "authenticated"]);
  assert.deepEqual(checks.issuers, [CLERK]);
  await check(await key.sign(clerkClaims));
  assert.deepEqual(asked, [`${CLERK}/.well-known/openid-configuration`, `${CLERK}/keys`]);
});

Deno.test("without a discovery document its keys are at /.well-known/jwks.json, or where the entry says", async () => {
  const key = await keyPair("one");
  const token = await key.sign(clerkClaims);
  const usual = `${CLERK}/.well-known/jwks.json`;
  await project([{ issuer: CLERK, audience: "any" }], keysAt(usual, key.jwk)).check(token);
  const jwks = "https://keys.example.com/set";
  const named = project([{ issuer: CLERK, audience: "any", jwks }], keysAt(jwks, key.jwk));
  await named.check(token);
  assert.deepEqual(named.asked, [jwks]);
});

Deno.test("a discovery document of another issuer, or one whose keys come without https, is not believed", async () => {
  const key = await keyPair("one");
  const token = await key.sign(clerkClaims);
  const wrong = [
    { issuer: "https://evil.example.com" },
    { issuer: `${CLERK}/` },
    { jwks_uri: "http://clerk.example.com/keys" },
    { jwks_uri: "file:///etc/keys" },
    { jwks_uri: 7 },
  ];
  for (const more of wrong) {
    const answers = { ...discovery(CLERK, more), ...keysAt(`${CLERK}/keys`, key.jwk) };
    const { check } = project([{ issuer: CLERK, audience: "any" }], answers);
    await assert.rejects(check(token), { code: "auth_unavailable", message: /clerk\.example/ });
  }
});

Deno.test("an issuer's token has a listed audience, an accepted role and its own keys' signature", async () => {
  const key = await keyPair("one");
  const stranger = await keyPair("one");
  const entry = { issuer: FIREBASE, audience: "demo", roles: ["authenticated", "editor"] };
  const usual = keysAt(`${FIREBASE}/.well-known/jwks.json`, key.jwk);
  const { check } = project([entry], usual, { RELAY_ROLES: "*" });
  const claims = { iss: FIREBASE, aud: "demo", sub: "u" };
  await check(await key.sign(claims));
  await check(await key.sign({ ...claims, role: "editor" }));
  const refused: [string, Promise<string>, RegExp][] = [
    ["token_audience", key.sign({ ...claims, aud: "other" }), /aud .*got "other", wants "demo"/],
    ["token_audience", key.sign({ ...claims, aud: undefined }), /got none, wants "demo"/],
    [
      "role_forbidden",
      key.sign({ ...claims, role: "admin" }),
      /got "admin", wants "authenticated"/,
    ],
    ["secret_key", key.sign({ ...claims, role: "service_role" }), /platform role/],
    ["token_signature", stranger.sign(claims), /signature/],
    ["token_algorithm", sign(claims), /alg .*got "HS256"/],
  ];
  for (const [code, token, message] of refused) {
    await assert.rejects(check(await token), { code, message });
  }
});

Deno.test("an issuer vouches for its own users alone: one of another with the same sub is another", async () => {
  const [clerk, firebase] = [await keyPair("one"), await keyPair("one")];
  const answers = {
    ...keysAt(`${CLERK}/.well-known/jwks.json`, clerk.jwk),
    ...keysAt(`${FIREBASE}/.well-known/jwks.json`, firebase.jwk),
  };
  const entries = [CLERK, FIREBASE].map((issuer) => ({ issuer, audience: "any" }));
  const { check } = project(entries, answers);
  const tokens = [
    await clerk.sign({ iss: CLERK, sub: "u" }),
    await firebase.sign({ iss: FIREBASE, sub: "u" }),
    await sign({ sub: "u" }),
    await sign({ sub: `${CLERK}\nu` }),
  ];
  const users = await Promise.all(tokens.map(check));
  assert.equal(new Set(users.map(({ who }) => who)).size, tokens.length);
  await assert.rejects(check(await firebase.sign({ iss: CLERK, sub: "u" })), {
    code: "token_signature",
  });
});

Deno.test("an issuer that is down refuses its own tokens alone, and is asked at most every 30 s", async () => {
  const key = await keyPair("one");
  const other = await keyPair("one");
  const entries = [CLERK, FIREBASE].map((issuer) => ({ issuer, audience: "any" }));
  const { check, asked, clock } = project(entries, {
    [`${CLERK}/.well-known/openid-configuration`]: () => new Response("<html>", { status: 200 }),
    ...keysAt(`${FIREBASE}/.well-known/jwks.json`, other.jwk),
  });
  const token = await key.sign(clerkClaims);
  for (let n = 0; n < 50; n++) {
    await assert.rejects(check(token), { code: "auth_unavailable" });
  }
  await check(await sign());
  await check(await other.sign({ iss: FIREBASE }));
  const toClerk = () => asked.filter((url) => url.startsWith(CLERK)).length;
  assert.equal(toClerk(), 1);
  clock.ms += 30_000;
  await assert.rejects(check(token), { code: "auth_unavailable" });
  assert.equal(toClerk(), 2);
});

Deno.test("RELAY_ISSUER speaks of tokens by the project's own keys alone", async () => {
  const key = await keyPair("one");
  const env = { RELAY_ISSUER: "https://project.test/auth/v1" };
  const usual = keysAt(`${CLERK}/.well-known/jwks.json`, key.jwk);
  const { check } = project([{ issuer: CLERK, audience: "any" }], usual, env);
  await check(await key.sign(clerkClaims));
  await check(await sign({ iss: env.RELAY_ISSUER }));
  await assert.rejects(check(await sign({ iss: "https://x.test" })), {
    code: "token_issuer",
    message: /iss .*got "https:\/\/x\.test", wants "https:\/\/project\.test\/auth\/v1"/,
  });
});

Deno.test("a token of the project's without aud passes where RELAY_AUDIENCE says so", async () => {
  const token = await sign({ aud: undefined });
  const strict = project([], {});
  await assert.rejects(strict.check(token), {
    code: "token_audience",
    message: /got none, wants "authenticated"/,
  });
  const lax = project([], {}, { RELAY_AUDIENCE: "authenticated,(none)" });
  await lax.check(token);
  await lax.check(await sign());
  await assert.rejects(lax.check(await sign({ aud: "(nobody)" })), { code: "token_audience" });
});

Deno.test("clocks may differ by 10 s for nbf and iat, and by nothing for exp", async () => {
  const { check, clock } = project([], {});
  const start = Math.floor(clock.ms / 1000);
  clock.ms = start * 1000;
  const at = (offset: number) => start + offset;
  await check(await sign({ nbf: at(10), iat: at(10), exp: at(60) }));
  for (const claim of ["nbf", "iat"]) {
    await assert.rejects(check(await sign({ [claim]: at(12), exp: at(60) })), {
      code: "token_early",
      message: new RegExp(`${claim} .*12 s ahead`),
    });
  }
  await assert.rejects(check(await sign({ exp: at(0) })), { code: "token_expired" });
});

Deno.test("a wrong list of issuers is refused at the start, in a sentence", () => {
  const wrong = [
    "{}",
    "[{}]",
    '[{"issuer":"https://a.test"}]',
    '[{"issuer":"http://a.test","audience":"any"}]',
    '[{"issuer":"https://a.test","audience":[]}]',
    '[{"issuer":"https://a.test","audience":"any","jwks":"ftp://a.test/"}]',
    '[{"issuer":"https://a.test","audience":"any","role":"x"}]',
    '[{"issuer":"https://a.test","audience":"any"},{"issuer":"https://a.test","audience":"b"}]',
  ];
  for (const value of wrong) {
    assert.throws(() => project(JSON.parse(value), {}), /RELAY_ISSUERS: got .*wants a JSON list/);
  }
  assert.throws(
    () => project([], {}, { RELAY_AUDIENCE: "*" }),
    /RELAY_AUDIENCE: got \*, wants .*\(none\)/,
  );
});
