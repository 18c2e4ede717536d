import assert from "node:assert/strict";
import { createAuthenticator } from "../../supabase/functions/relay/door/authenticate.ts";
import type { User } from "../../supabase/functions/relay/door/identity.ts";
import { Verified } from "../../supabase/functions/relay/door/verify/verified.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { ALICE, inSeconds, keyPair, PUBLISHABLE_KEY, SECRET, sign } from "../support/tokens.ts";

const MINUTE = 60_000;

/** A project whose JWK set holds what `keys` holds, and a count of the signatures that are checked. */
function project(env: Record<string, string>, keys: unknown[] = []) {
  const clock = { ms: Date.now() };
  const config = readConfig({
    SUPABASE_URL: "https://project.test",
    SUPABASE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    ...env,
  });
  const fetch = () => Promise.resolve(Response.json({ keys }));
  const { authenticate } = createAuthenticator(config, fetch, () => clock.ms);
  const check = (token: string) => authenticate({ kind: "token", token }) as Promise<User>;
  return { clock, check };
}

/** How many signatures are checked while the work is done. */
async function countChecks(work: () => Promise<unknown>): Promise<number> {
  const { verify } = crypto.subtle;
  let count = 0;
  crypto.subtle.verify = (...args: Parameters<typeof verify>) => {
    count++;
    return verify.apply(crypto.subtle, args);
  };
  await work().finally(() => crypto.subtle.verify = verify);
  return count;
}

const rejects = (promise: Promise<unknown>, code: string) => assert.rejects(promise, { code });

Deno.test("a token that was verified is not verified again, and names the same user", async () => {
  const { jwk, sign: signEs256 } = await keyPair("one");
  const { check } = project({
    RELAY_JWT_SECRET: SECRET,
    SUPABASE_JWKS: JSON.stringify({ keys: [jwk] }),
  });
  for (const token of [await sign(), await signEs256()]) {
    const seen: User[] = [];
    const count = await countChecks(async () => {
      for (let n = 0; n < 3; n++) seen.push(await check(token));
    });
    assert.equal(count, 1);
    assert.deepEqual(seen[0], { ...seen[0], kind: "user", id: ALICE, token });
    assert.deepEqual(seen.slice(1), [seen[0], seen[0]]);
  }
});

Deno.test("what was refused is refused again, and no part of a token stands for the whole", async () => {
  const { check } = project({ RELAY_JWT_SECRET: SECRET });
  const token = await sign();
  await check(token);
  const [header, claims, signature] = token.split(".");
  const other = signature.startsWith("A") ? "B" : "A";
  const { role: _, ...rest } = JSON.parse(atob(claims));
  const admin = btoa(JSON.stringify({ ...rest, role: "admin" })).replace(/=+$/, "");
  for (let n = 0; n < 2; n++) {
    await rejects(check(`${header}.${claims}.${other}${signature.slice(1)}`), "token_signature");
    await rejects(check(`${header}.${admin}.${signature}`), "token_signature");
    await rejects(check(`${header}.${claims}.`), "token_signature");
    await rejects(check(`${token}x`), "token_signature");
  }
});

Deno.test("a token is remembered until its exp, and no longer", async () => {
  const { check, clock } = project({ RELAY_JWT_SECRET: SECRET });
  const token = await sign({ exp: inSeconds(100) });
  const { expiresAt } = await check(token);
  clock.ms = expiresAt * 1000 - 1;
  await check(token);
  clock.ms++;
  await rejects(check(token), "token_expired");
  clock.ms -= MINUTE;
  await check(token);
  clock.ms -= MINUTE; // Before it was looked at: such a clock tells nothing.
  assert.equal(await countChecks(() => check(token)), 1);
});

Deno.test("a key that the project took back verifies nobody any more", async () => {
  const [old, next] = [await keyPair("old"), await keyPair("next")];
  const keys = [old.jwk];
  const { check, clock } = project({}, keys);
  const [first, second] = [await old.sign(), await old.sign({ n: 2 })];
  await check(first); // With it the set is read, and only what comes later is remembered.
  await check(first);
  keys[0] = next.jwk;
  clock.ms += 2 * MINUTE;
  assert.equal(await countChecks(() => check(first)), 0);
  await check(await next.sign()); // Its kid is unknown, so the set is read anew.
  for (const token of [first, second]) await rejects(check(token), "token_signature");
});

/** The project's own keys, and those of another issuer. */
const ISSUERS = {
  "": {},
  "https://idp.test": {
    RELAY_ISSUERS: JSON.stringify([
      { issuer: "https://idp.test", audience: "any", jwks: "https://idp.test/keys" },
    ]),
  },
};

for (const [iss, env] of Object.entries(ISSUERS)) {
  Deno.test(`what a set of keys has verified counts for ten minutes, as the set does: ${iss}`, async () => {
    const old = await keyPair("old");
    const keys = [old.jwk];
    const { check, clock } = project(env, keys);
    const token = await old.sign(iss ? { iss } : {});
    for (let n = 0; n < 2; n++) await check(token);
    assert.equal(await countChecks(() => check(token)), 0);
    keys.pop();
    clock.ms += 11 * MINUTE;
    await rejects(check(token), "token_signature");
  });
}

const user = (n: number): User => ({
  kind: "user",
  id: String(n),
  who: `\n${n}`,
  role: "r",
  expiresAt: 2_000,
  token: `t${n}`,
});

Deno.test("so many tokens are remembered, and the oldest goes first", () => {
  const verified = new Verified(() => 1_000);
  for (let n = 0; n <= 1_000; n++) verified.slotOf(`t${n}`).keep(user(n));
  assert.equal(verified.slotOf("t0").user(), undefined);
  for (const n of [1, 1_000]) {
    assert.deepEqual(verified.slotOf(`t${n}`).user(), user(n));
  }
});

Deno.test("a check that began before the keys changed is not remembered after", () => {
  const verified = new Verified(() => 1_000);
  const slot = verified.slotOf("t1");
  verified.clear();
  slot.keep(user(1));
  assert.equal(slot.user(), undefined);
  assert.equal(verified.slotOf("t1").user(), undefined);
});

Deno.test("a header that must be understood is not taken for one that was", async () => {
  const { check } = project({ RELAY_JWT_SECRET: SECRET });
  const key = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(SECRET),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const [, claims] = (await sign()).split(".");
  const url = (text: string) =>
    btoa(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  for (const more of [{ crit: ["x"], x: 1 }, { crit: [] }, { crit: "x" }]) {
    const text = `${url(JSON.stringify({ alg: "HS256", ...more }))}.${claims}`;
    const signed = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
    const signature = url(String.fromCharCode(...new Uint8Array(signed)));
    await rejects(check(`${text}.${signature}`), "token_malformed");
  }
});
