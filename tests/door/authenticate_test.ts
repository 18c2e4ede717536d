import assert from "node:assert/strict";
import { CompactSign, exportSPKI } from "jose";
import { createAuthenticator } from "../../supabase/functions/relay/door/authenticate.ts";
import type { User } from "../../supabase/functions/relay/door/identity.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
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
} from "../support/tokens.ts";

/** A project without network: `answer` plays its Auth server. */
function project(
  env: Record<string, string>,
  answer: (url: URL, authorization: string) => Response | Promise<Response>,
) {
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
    const authorization = new Headers(init?.headers).get("authorization") ?? "";
    return await Promise.race([answer(url, authorization), aborted]);
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
  const { who: _who, issuedAt, ...user } = await check(token) as User;
  assert.deepEqual(user, { kind: "user", id: ALICE, role: "authenticated", expiresAt: 4e9, token });
  assert.equal(issuedAt, undefined);
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

/** Answers without a JWK set, as servers and what stands before them give them. */
const noSet: Record<string, () => Response | Promise<Response>> = {
  "404": () => Response.json({ message: "no Route matched" }, { status: 404 }),
  "a page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  "JSON of another shape": () => Response.json({ keys: "none" }),
  "a list": () => Response.json([]),
  "a redirect": () => new Response(null, { status: 302, headers: { location: "https://x.test/" } }),
  "an empty 200": () => new Response(""),
  "a set of over 64 kB": () => Response.json({ keys: [], pad: "x".repeat(65_536) }),
  "an answer without an end": () => new Response(endless()),
  "500": () => Response.json({ keys: [] }, { status: 500 }),
  "502": () => new Response("Bad Gateway", { status: 502 }),
  "no connection": () => Promise.reject(new TypeError("no route")),
};

/** Kilobytes for as long as somebody reads; `pulled` counts them. */
function endless(pulled: () => void = () => {}): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      pulled();
      controller.enqueue(new Uint8Array(1024).fill(32));
    },
  });
}

const THIRTY_SECONDS = 30_000;

for (const [what, answer] of Object.entries(noSet)) {
  Deno.test(`forged tokens make the relay ask once, where the JWKS endpoint gives ${what}`, async () => {
    const stranger = await keyPair("stranger");
    const token = await stranger.sign();
    const { check, asked, clock } = project({}, answer);
    await Promise.all(Array.from({ length: 100 }, () => rejects(check(token), "auth_unavailable")));
    for (let n = 0; n < 100; n++) await rejects(check(token), "auth_unavailable");
    assert.equal(asked.length, 1);
    clock.ms += THIRTY_SECONDS;
    for (let n = 0; n < 100; n++) await rejects(check(token), "auth_unavailable");
    assert.equal(asked.length, 2);
  });
}

Deno.test("before the first set was read, a server that is only starting is asked sooner", async () => {
  const key = await keyPair("one");
  let up = false;
  const { check, asked, clock } = project(
    {},
    () => up ? Response.json({ keys: [key.jwk] }) : new Response(null, { status: 503 }),
  );
  const token = await key.sign();
  const at: number[] = [];
  for (let second = 0; second < 120; second++) {
    const before = asked.length;
    await rejects(check(token), "auth_unavailable");
    if (asked.length > before) at.push(second);
    clock.ms += 1_000;
  }
  assert.deepEqual(at, [0, 5, 15, 35, 65, 95]);
  up = true;
  clock.ms += THIRTY_SECONDS;
  await check(token);
  assert.equal(asked.length, 7);
});

Deno.test("a set that was read serves on while it cannot be renewed, for an hour", async () => {
  const key = await keyPair("one");
  const stranger = await keyPair("stranger");
  let up = true;
  const { check, asked, clock } = project(
    {},
    () => up ? Response.json({ keys: [key.jwk] }) : new Response(null, { status: 503 }),
  );
  const [token, forged] = [await key.sign({ exp: inSeconds(86_400) }), await stranger.sign()];
  await check(token);
  await rejects(check(forged), "token_signature");
  assert.equal(asked.length, 1);
  up = false;
  clock.ms += 600_000;
  for (let n = 0; n < 20; n++) await check(token);
  await rejects(check(forged), "auth_unavailable");
  assert.equal(asked.length, 2, "once in 30 s after a failure, too");
  clock.ms += 3_000_001;
  await rejects(check(token), "auth_unavailable");
  up = true;
  clock.ms += THIRTY_SECONDS;
  await check(token);
});

Deno.test("a JWKS endpoint that does not answer, or never ends, is given up", async () => {
  const stranger = await keyPair("stranger");
  const token = await stranger.sign();
  const silent = () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
  for (const answer of [() => new Promise<never>(() => {}), silent]) {
    const { check, asked } = project({}, answer);
    await Promise.all(Array.from({ length: 50 }, () => rejects(check(token), "auth_unavailable")));
    await rejects(check(token), "auth_unavailable");
    assert.equal(asked.length, 1);
  }
});

Deno.test("of an answer no more is read than a JWK set may be long", async () => {
  let kilobytes = 0;
  const stranger = await keyPair("stranger");
  const { check } = project({}, () => new Response(endless(() => kilobytes++)));
  await rejects(check(await stranger.sign()), "auth_unavailable");
  assert.ok(kilobytes <= 70, `${kilobytes} kB were read`);
});

Deno.test("hundreds of keys, and several of one kid, are looked through within bounds", async () => {
  const [first, second, ...others] = await Promise.all(
    Array.from({ length: 6 }, () => keyPair("same")),
  );
  const { x: _, y: __, ...shape } = first.jwk;
  const crowd = Array.from({ length: 150 }, (_, n) => ({ ...shape, ...first.jwk, kid: `k${n}` }));
  const { check } = project({}, () => Response.json({ keys: [...crowd, first.jwk, second.jwk] }));
  await check(await first.sign());
  await check(await second.sign());
  await rejects(check(await others[0].sign()), "token_signature");
  // The fifth of one kid is one too many: each is a signature to check.
  const jwks = JSON.stringify({ keys: [first, second, ...others].map(({ jwk }) => jwk) });
  const crowded = project({ SUPABASE_JWKS: jwks }, nobody);
  await crowded.check(await others[1].sign());
  await rejects(crowded.check(await others[2].sign()), "token_signature");
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

Deno.test("nor does a token that ends while it is checked name anybody", async () => {
  for (const env of [{}, { RELAY_JWT_SECRET: SECRET }] as Record<string, string>[]) {
    const { check, clock } = project(env, authServer);
    const checking = check(await sign({ exp: inSeconds(5) }));
    clock.ms += 6_000;
    await rejects(checking, "token_expired");
  }
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

Deno.test("nor where times are no numbers: the socket would outlive its token", async () => {
  const { check, asked } = project({}, authServer);
  for (const claim of ["iat", "nbf"]) {
    for (const time of ["0", String(inSeconds(-60)), [0], true, {}]) {
      await rejects(check(await sign({ [claim]: time })), "token_malformed");
    }
    await check(await sign({ [claim]: inSeconds(-60) }));
  }
  assert.equal(asked.length, 2);
});

Deno.test("a claim that comes twice is in no token: Realtime takes the first, the relay the last", async () => {
  const { check } = project({ RELAY_JWT_SECRET: SECRET }, nobody);
  const signText = (text: string) =>
    new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(SECRET));
  const whole = JSON.stringify(claimsOf()).slice(1);
  const twice = ['"role":"service_role"', '"sub":"x"', '"ro\\u006ce":"postgres"', '"exp" : 1'];
  for (const claim of twice) {
    await rejects(check(await signText(`{${claim},${whole}`)), "token_malformed");
  }
  const once = [
    '"app_metadata":{"role":"a","sub":[{"sub":1,"exp":2}]}',
    '"note":"\\"role\\":","role:":{}',
    '"__proto__":{"role":"a"}',
    '"amr":[":","{",{"a":"]"}]',
  ];
  for (const claim of once) await check(await signText(`{${claim},${whole}`));
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

Deno.test("an Auth server that fails is left alone for 5 s, whoever brings tokens", async () => {
  const failures = [
    () => new Response(null, { status: 500 }),
    () => new Response("Bad Gateway", { status: 502 }),
    () => Response.json({ message: "no Route matched" }, { status: 404 }),
    () => new Response(null, { status: 429 }),
    () => new Response("<html>"),
    () => new Response(null, { status: 302, headers: { location: "https://x.test/" } }),
    () => new Response(endless()),
    () => Promise.reject(new TypeError("no route")),
  ];
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, n) => sign({ n })));
  for (const failure of failures) {
    let answer: typeof authServer | undefined = authServer;
    const { check, asked, clock } = project({}, (url) => answer ? answer(url) : failure());
    await check(tokens[0]);
    answer = undefined;
    for (const token of tokens.slice(1)) await rejects(check(token), "auth_unavailable");
    await check(tokens[0]);
    assert.equal(asked.length, 4);
    clock.ms += 5_000;
    const codes = await Promise.all(
      tokens.slice(1).map((token) => check(token).then(() => "ok", ({ code }) => code)),
    );
    assert.deepEqual([...new Set(codes)], ["auth_unavailable"]);
    assert.equal(asked.length, 5, "one question finds out that it still fails");
    answer = authServer;
    clock.ms += 5_000;
    for (const token of tokens) await check(token);
  }
});

Deno.test("a token that a gateway has no room for keeps nobody else out", async () => {
  for (const status of [400, 413, 414, 431, 494]) {
    // As nginx and Kong, whose lines of a header have 8 kB.
    const { check, asked } = project({}, (url, authorization) => {
      return authorization.length > 8_000 ? new Response(null, { status }) : authServer(url);
    });
    for (let n = 0; n < 10; n++) {
      await rejects(
        check(await sign({ n, padding: "x".repeat(5_900) }, "forged")),
        "auth_unavailable",
      );
    }
    await check(await sign());
    assert.equal(asked.length, 11, `${status}`);
  }
});

Deno.test("refused tokens, however many, push no approval out of memory", async () => {
  const { check, asked } = project({}, (url) => authServer(url));
  const token = await sign();
  await check(token);
  for (let n = 0; n < 1_100; n++) {
    await rejects(check(await sign({ sub: BOB, n })), "token_rejected");
  }
  assert.equal(asked.length, 1_101);
  await check(token);
  assert.equal(asked.length, 1_101);
});

Deno.test("the Auth server is asked as the token's bearer, with the project's key", async () => {
  let headers: Headers | undefined;
  const config = readConfig({
    SUPABASE_URL: "https://project.test/base",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
  });
  const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    assert.equal(String(input), "https://project.test/base/auth/v1/user");
    headers = new Headers(init?.headers);
    return Promise.resolve(Response.json({ id: ALICE }));
  };
  const token = await sign();
  await createAuthenticator(config, fetch, Date.now).authenticate({ kind: "token", token });
  assert.equal(headers!.get("authorization"), `Bearer ${token}`);
  assert.equal(headers!.get("apikey"), PUBLISHABLE_KEY);
});

Deno.test("an Auth server that does not answer is given up, and asked again later", async () => {
  const { check, asked } = project({}, () => new Promise<never>(() => {}));
  const token = await sign();
  await rejects(check(token), "auth_unavailable");
  await rejects(check(token), "auth_unavailable");
  assert.equal(asked.length, 2);
});
