import assert from "node:assert/strict";
import type { FindingId } from "../../tools/doctor/findings/mod.ts";
import { readOptions } from "../../tools/doctor/options.ts";
import { probeKeys } from "../../tools/doctor/probe/keys/keys.ts";
import { inSeconds, keyPair, SECRET, sign, signAnonKey } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";
import { diagnose } from "./support/run.ts";

const project = await keyPair("today");
const KEY = await signAnonKey();

/** What is found about these at a project with asymmetric keys, or at another address. */
async function findings(args: string[], jwks: object | number, host?: string) {
  const upstream = startUpstream({
    onRequest: () =>
      typeof jwks === "number" ? new Response(null, { status: jwks }) : Response.json(jwks),
  });
  try {
    const options = readOptions([upstream.url, ...args], {});
    assert.ok(options !== "help");
    const base = new URL(host ?? upstream.url);
    const socket = new URL("realtime/v1/websocket", upstream.url);
    const target = { kind: "project" as const, socket, project: base };
    const checks = await probeKeys({ options, target, progress() {} });
    return checks.flatMap(({ id }) => id ?? []);
  } finally {
    await upstream.stop();
  }
}

const JWKS = { keys: [project.jwk] };
const cases: [name: string, token: () => Promise<string>, jwks: object | number, FindingId[]][] = [
  ["a token that the project's JWKS verifies", () => project.sign(), JWKS, []],
  ["a token whose kid was rotated away", () => project.sign({}, { kid: "x" }), JWKS, [
    "jwks_kid_missing",
  ]],
  [
    "a token of another issuer, of which others say whether they take it",
    async () => (await keyPair("theirs")).sign({ iss: "https://clerk.example.com" }),
    JWKS,
    [],
  ],
  ["a token, and no JWKS to verify it by", () => project.sign(), 404, ["jwks_unreachable"]],
  ["a token of another key by the same kid", async () => (await keyPair("today")).sign(), JWKS, [
    "token_signature",
  ]],
  ["a token from the future", () => project.sign({ iat: inSeconds(600) }), JWKS, ["iat_future"]],
  [
    "a token whose times are in microseconds",
    () => project.sign({ iat: inSeconds(600) * 1e6, exp: inSeconds(900) * 1e6 }),
    JWKS,
    ["iat_future"],
  ],
  ["a token that says it is service_role", () => project.sign({ role: "service_role" }), JWKS, [
    "secret_key",
  ]],
];

for (const [name, token, jwks, expected] of cases) {
  Deno.test(`the doctor's judgement of ${name}: ${expected[0] ?? "good"}`, async () => {
    assert.deepEqual(await findings(["--key", KEY, "--token", await token()], jwks), expected);
  });
}

Deno.test("the doctor's judgement of a key of another hosted project: key_other_project", async () => {
  const ref = (letter: string) => letter.repeat(20);
  const key = await sign({ role: "anon", ref: ref("a") });
  const at = (letter: string) =>
    findings(["--key", key], 404, `https://${ref(letter)}.supabase.co`);
  assert.deepEqual(await at("b"), ["key_other_project"]);
  assert.deepEqual(await at("a"), []);
});

Deno.test("the doctor's judgement of a key that is good for longer than a date can tell: good", async () => {
  assert.deepEqual(await findings(["--key", await sign({ role: "anon", exp: 1e15 })], 404), []);
});

Deno.test("the doctor's judgement of a key that is good from next year on, by its secret: good", async () => {
  const key = await sign({ role: "anon", nbf: inSeconds(3600 * 24 * 365) });
  assert.deepEqual(await findings(["--key", key, "--jwt-secret", SECRET], 404), []);
});

Deno.test("what is no JWT is no token for a relay whose project is unknown either", async () => {
  const token = `Bearer ${await sign()}`;
  const relay = startUpstream();
  try {
    const { findings, printed } = await diagnose([`${relay.url}/relay`, "--token", token]);
    assert.ok(findings.some(({ id }) => id === "token_refused"), printed);
  } finally {
    await relay.stop();
  }
});

Deno.test("the doctor takes key and token from an address that was pasted whole", () => {
  const options = readOptions([`wss://abc.supabase.co/realtime/v1/websocket?apikey=${KEY}`], {});
  assert.ok(options !== "help");
  assert.equal(options.key, KEY);
});
