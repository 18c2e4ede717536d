import assert from "node:assert/strict";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { type Keys, TokenError, verify } from "../../tools/stack/realtime/token.ts";
import { JWT_SECRET, openBench } from "./support/realtime.ts";
import { openWire } from "./support/wire.ts";

const claims = { role: "authenticated", exp: 4102444800, sub: "x" };

/** A key of each kind that a project may have, and what it signs. */
async function keyRing() {
  const ring: { alg: string; kid: string; sign: (alg?: string) => Promise<string> }[] = [];
  const keys: Keys = { jwtSecret: JWT_SECRET, jwks: { keys: [] } };
  for (const alg of ["ES256", "RS256", "EdDSA"]) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const kid = `kid-${alg}`;
    keys.jwks!.keys.push({ ...await exportJWK(publicKey), kid, alg } as JsonWebKey);
    const sign = () => new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey);
    ring.push({ alg, kid, sign });
    if (alg !== "RS256") continue;
    // The old trick: the public key, which anybody has, as a shared secret.
    const secret = new TextEncoder().encode(await exportSPKI(publicKey));
    ring.push({
      alg: "HS256 with a public key",
      kid,
      sign: () => new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid }).sign(secret),
    });
  }
  return { keys, ring };
}

Deno.test("tokens of the secret and of each key of the set are good, by kid", async () => {
  const { keys, ring } = await keyRing();
  for (const { alg, sign } of ring.filter(({ alg }) => !alg.includes("public"))) {
    const identity = await verify(await sign(), keys);
    assert.deepEqual([identity.role, identity.exp], ["authenticated", 4102444800], alg);
    assert.deepEqual(JSON.parse(identity.claims), claims);
  }
  const secret = new TextEncoder().encode(JWT_SECRET);
  const own = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret);
  assert.equal((await verify(own, keys)).role, "authenticated");
});

Deno.test("a token cannot choose how it is checked", async () => {
  const { keys, ring } = await keyRing();
  const confused = await ring.find(({ alg }) => alg.includes("public"))!.sign();
  await assert.rejects(verify(confused, keys), { fault: "signature" });
  const es = await ring[0].sign();
  await assert.rejects(verify(es, { jwtSecret: JWT_SECRET }), { fault: "signer" });
  await assert.rejects(verify(es, { ...keys, jwks: { keys: [] } }), { fault: "signer" });
});

Deno.test("an expired token says for how long, and a good one not at all", async () => {
  const secret = new TextEncoder().encode(JWT_SECRET);
  const token = await new SignJWT({ role: "anon", exp: 1000 }).setProtectedHeader({ alg: "HS256" })
    .sign(secret);
  const keys = { jwtSecret: JWT_SECRET };
  assert.equal((await verify(token, keys, 999_999)).exp, 1000);
  const error = await verify(token, keys, 1_023_000).catch((error: TokenError) => error);
  assert.ok(error instanceof TokenError);
  assert.equal(error.handshake, "Token has expired");
  assert.equal(error.join, "InvalidJWTToken: Token has expired 23 seconds ago");
  assert.equal(error.system, "Token has expired 23 seconds ago");
});

const TOPIC = "realtime:t";

/** Of a token that is to be good when it is shown, and to expire while a test waits. */
const LIFE_S = 3;

Deno.test("at its expiry a channel is closed with a reason, and the socket is not", async () => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token());
  await wire.join(TOPIC, {}, { access_token: await bench.token({}, LIFE_S) });
  await wire.join("realtime:other");
  const { payload: { message, ...rest } } = await wire.next("system");
  assert.match(message, /^Token has expired \d+ seconds ago$/);
  assert.deepEqual(rest, { status: "error", extension: "system", channel: "t" });
  await wire.next("phx_close");
  wire.push(TOPIC, "broadcast", { event: "e" }, "after");
  const reply = await wire.next("phx_reply", ({ ref }) => ref === "after");
  assert.equal(reply.payload.response.reason, "unmatched topic");
  wire.push("realtime:other", "phx_leave", {}, "leave");
  assert.equal((await wire.next("phx_reply", ({ ref }) => ref === "leave")).payload.status, "ok");
  wire.close();
});

Deno.test("a new token in time keeps the channel, and null and publishable keys change nothing", async () => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token());
  const first = await bench.token({}, LIFE_S);
  await wire.join(TOPIC, { broadcast: { self: true } }, { access_token: first });
  for (const token of [null, "sb_publishable_x", first, await bench.token()]) {
    wire.push(TOPIC, "access_token", { access_token: token });
  }
  await wire.join("realtime:short", {}, { access_token: await bench.token({}, LIFE_S) });
  await wire.next("phx_close", ({ topic }) => topic === "realtime:short");
  wire.push(TOPIC, "broadcast", { type: "broadcast", event: "still", payload: {} });
  assert.equal((await wire.next("broadcast")).payload.event, "still");
  wire.close();
});

const BAD: [string, (bench: Awaited<ReturnType<typeof openBench>>) => Promise<string>, RegExp][] = [
  [
    "of another secret",
    async (b) => (await b.token()).slice(0, -9) + "AAAAAAAAA",
    /^:signature_error$/,
  ],
  ["that is none", () => Promise.resolve("garbage"), /^The token provided is not a valid JWT$/],
  ["that has expired", (b) => b.token({}, -5), /^Token has expired \d+ seconds ago$/],
];

Deno.test("a bad new token closes the channel with its reason", async (t) => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token());
  for (const [name, token, message] of BAD) {
    await t.step(`one ${name}`, async () => {
      await wire.join(TOPIC);
      wire.push(TOPIC, "access_token", { access_token: await token(bench) });
      assert.match((await wire.next("system")).payload.message, message);
      await wire.next("phx_close");
    });
  }
  wire.close();
});

Deno.test("a new token that may not read the topic closes the private channel", async () => {
  await using bench = await openBench();
  await bench.sql`create policy p on realtime.messages for select to authenticated
    using (realtime.topic() = 't' and auth.uid() = '11111111-1111-4111-8111-111111111111')`;
  const user = (digit: string) => {
    const sub = "11111111-1111-4111-8111-111111111111".replaceAll("1", digit);
    return bench.token({ role: "authenticated", sub });
  };
  const wire = await openWire(bench, await bench.token());
  const reply = await wire.join(TOPIC, { private: true }, { access_token: await user("1") });
  assert.equal(reply.status, "ok");
  wire.push(TOPIC, "access_token", { access_token: await user("2") });
  assert.equal(
    (await wire.next("system")).payload.message,
    "You do not have permissions to read from this Channel topic: t",
  );
  await wire.next("phx_close");
  wire.close();
});
