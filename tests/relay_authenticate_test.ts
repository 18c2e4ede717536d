import assert from "node:assert/strict";
import { CompactSign, exportSPKI } from "jose";
import { createAuthenticator } from "../supabase/functions/relay/authenticate.ts";
import { readConfig } from "../supabase/functions/relay/config.ts";
import {
  ALICE,
  BOB,
  claimsOf,
  inSeconds,
  keyPair,
  PUBLISHABLE_KEY,
  SECRET,
  sign,
  unsigned,
} from "./support/tokens.ts";

/** A project without network: `answer` plays its Auth server. */
function project(env: Record<string, string>, answer: (url: URL) => Response | Promise<Response>) {
  const asked: URL[] = [];
  const clock = { ms: Date.now() };
  const config = readConfig({
    SUPABASE_URL: "https://project.test",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    ...env,
  });
  const fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input);
    asked.push(url);
    const aborted = new Promise<never>((_, reject) =>
      init?.signal?.addEventListener("abort", () => reject(init.signal!.reason))
    );
    return await Promise.race([answer(url), aborted]);
  };
  const { authenticate, checks } = createAuthenticator(config, fetch, () => clock.ms);
  const check = (token: string) => authenticate({ kind: "token", token });
  return { asked, clock, check, checks };
}

const nobody = () => new Response(null, { status: 500 });
const rejects = (promise: Promise<unknown>, code: string) => assert.rejects(promise, { code });

Deno.test("a token signed with the secret names its user", async () => {
  const { check, asked } = project({ RELAY_JWT_SECRET: SECRET }, nobody);
  const token = await sign({ exp: 4e9 });
  const user = { kind: "user", id: ALICE, role: "authenticated", expiresAt: 4e9, token };
  assert.deepEqual(await check(token), user);
  assert.equal(asked.length, 0);
});

Deno.test("JWT_SECRET of a self-hosted project serves where RELAY_JWT_SECRET is empty", async () => {
  const { check } = project({ JWT_SECRET: SECRET, RELAY_JWT_SECRET: "" }, nobody);
  await check(await sign());
});

for (const alg of ["ES256", "RS256", "EdDSA"]) {
  Deno.test(`a token signed with ${alg} is checked against SUPABASE_JWKS`, async () => {
    const key = await keyPair("one", alg);
    const { check, asked } = project(
      { SUPABASE_JWKS: JSON.stringify({ keys: [key.jwk] }) },
      nobody,
    );
    await check(await key.sign());
    const stranger = await keyPair("one", alg);
    await rejects(check(await stranger.sign()), "token_signature");
    assert.equal(asked.length, 0);
  });
}

Deno.test("an unknown kid is looked up in the project's JWKS, at most every 30 s", async () => {
  const first = await keyPair("first");
  const second = await keyPair("second");
  const third = await keyPair("third");
  const { check, asked } = project(
    { SUPABASE_JWKS: JSON.stringify([first.jwk]) },
    () => Response.json({ keys: [first.jwk, second.jwk] }),
  );
  await check(await first.sign());
  assert.equal(asked.length, 0);
  await check(await second.sign());
  await check(await second.sign());
  for (let i = 0; i < 5; i++) await rejects(check(await third.sign()), "token_signature");
  assert.deepEqual(asked.map(String), ["https://project.test/auth/v1/.well-known/jwks.json"]);
});

Deno.test("a JWKS that cannot be had is the project's fault, not the token's", async () => {
  const key = await keyPair("one");
  const answers = [
    () => new Response(null, { status: 404 }),
    () => new Response("<html>"),
    () => Promise.reject(new TypeError("no route")),
  ];
  for (const answer of answers) {
    await rejects(project({}, answer).check(await key.sign()), "auth_unavailable");
  }
});

Deno.test("a public key never serves as an HS256 secret", async () => {
  const key = await keyPair("one", "RS256");
  const jwks = JSON.stringify({ keys: [key.jwk] });
  const spki = await exportSPKI(key.publicKey);
  for (const secret of [spki, jwks, JSON.stringify(key.jwk)]) {
    const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claimsOf())))
      .setProtectedHeader({ alg: "HS256", kid: "one" }).sign(new TextEncoder().encode(secret));
    const { check } = project({ SUPABASE_JWKS: jwks, RELAY_JWT_SECRET: SECRET }, nobody);
    await rejects(check(token), "token_signature");
  }
});

Deno.test("keys that a token brings along are never followed", async () => {
  const key = await keyPair("one");
  const stranger = await keyPair("../../evil");
  const { check, asked } = project(
    { SUPABASE_JWKS: JSON.stringify([key.jwk]) },
    () => Response.json({ keys: [key.jwk] }),
  );
  for (
    const header of [
      { jku: "https://evil.test/jwks.json" },
      { x5u: "https://evil.test/cert.pem" },
      { jwk: stranger.jwk },
      { kid: "https://evil.test/jwks.json" },
      { kid: "../../evil" },
    ]
  ) await rejects(check(await stranger.sign({}, header)), "token_signature");
  assert.ok(asked.every((url) => url.host === "project.test"));
});

Deno.test("the issuer is checked where one is configured", async () => {
  const env = { RELAY_JWT_SECRET: SECRET, RELAY_ISSUER: "https://a.test, https://b.test" };
  const { check } = project(env, nobody);
  await check(await sign({ iss: "https://b.test" }));
  for (const iss of ["https://c.test", undefined]) {
    await rejects(check(await sign({ iss })), "token_issuer");
  }
});

Deno.test("one of several audiences is enough", async () => {
  const { check } = project({ RELAY_JWT_SECRET: SECRET, RELAY_AUDIENCE: "app,admin" }, nobody);
  await check(await sign({ aud: ["other", "admin"] }));
  await rejects(check(await sign()), "token_audience");
});

/** An Auth server that knows Alice, as GoTrue answers. */
function authServer(url: URL): Response {
  assert.equal(url.pathname, "/auth/v1/user");
  return Response.json({ id: ALICE, aud: "authenticated", role: "authenticated" });
}

Deno.test("without a secret the Auth server is asked, once a minute for each token", async () => {
  const { check, asked, clock, checks } = project({}, authServer);
  assert.equal(checks.hs256, "auth server");
  const token = await sign();
  await Promise.all([check(token), check(token), check(token)]);
  await check(token);
  assert.equal(asked.length, 1);
  clock.ms += 59_000;
  await check(token);
  assert.equal(asked.length, 1);
  clock.ms += 1_000;
  await check(token);
  assert.equal(asked.length, 2);
});

Deno.test("an approval never outlives its token", async () => {
  const { check, clock } = project({}, authServer);
  const token = await sign({ exp: inSeconds(20) });
  await check(token);
  clock.ms += 21_000;
  await rejects(check(token), "token_expired");
});

Deno.test("a refusal of the Auth server is remembered for a minute", async () => {
  const refuse = () => Response.json({ error_code: "bad_jwt", msg: "invalid" }, { status: 403 });
  const { check, asked, clock } = project({}, refuse);
  const token = await sign({}, "another-secret");
  for (let i = 0; i < 3; i++) await rejects(check(token), "token_rejected");
  assert.equal(asked.length, 1);
  clock.ms += 60_000;
  await rejects(check(token), "token_rejected");
  assert.equal(asked.length, 2);
});

Deno.test("an Auth server that names somebody else has not approved the token", async () => {
  await rejects(project({}, authServer).check(await sign({ sub: BOB })), "token_rejected");
});

Deno.test("the Auth server is not asked about a token that must fail anyway", async () => {
  const { check, asked } = project({}, authServer);
  const bad: [string, string][] = [
    ["garbage", "token_malformed"],
    [unsigned(), "token_algorithm"],
    [await sign({ exp: inSeconds(-1) }), "token_expired"],
    [await sign({ nbf: inSeconds(60) }), "token_early"],
    [await sign({ role: undefined }), "token_claims"],
    [await sign({ aud: "x" }), "token_audience"],
    [await sign({ role: "service_role" }), "secret_key"],
    [await sign({ long: "x".repeat(8192) }), "token_malformed"],
  ];
  for (const [token, code] of bad) await rejects(check(token), code);
  assert.equal(asked.length, 0);
});

Deno.test("at most eight questions wait for the Auth server", async () => {
  const held = Promise.withResolvers<void>();
  const { check, asked } = project({}, async (url) => {
    await held.promise;
    return authServer(url);
  });
  const tokens = await Promise.all(Array.from({ length: 9 }, (_, n) => sign({ n })));
  const results = tokens.map((token) => check(token).then(() => "ok", (error) => error.code));
  assert.equal(await Promise.race(results), "too_many_checks");
  held.resolve();
  assert.deepEqual((await Promise.all(results)).filter((result) => result === "ok").length, 8);
  assert.equal(asked.length, 8);
});

Deno.test("an Auth server that does not answer is given up, and asked again later", async () => {
  const { check, asked } = project({}, () => new Promise<never>(() => {}));
  const token = await sign();
  await rejects(check(token), "auth_unavailable");
  await rejects(check(token), "auth_unavailable");
  assert.equal(asked.length, 2);
});
