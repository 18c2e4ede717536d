import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { startRealtime } from "../../tools/stack/realtime/mod.ts";
import { type Bench, JWT_SECRET, openBench } from "./support/realtime.ts";
import { openWire, upgrade } from "./support/wire.ts";

const CASES: [string, (bench: Bench) => Promise<string>, number, unknown][] = [
  ["no apikey", () => Promise.resolve(""), 401, { error: "API key is missing" }],
  [
    "a bad signature",
    async (bench) => (await bench.token()).slice(0, -10) + "AAAAAAAAAA",
    401,
    { error: "Failed to validate JWT signature" },
  ],
  ["no JWT", () => Promise.resolve("xyz"), 401, { error: "The token provided is not a valid JWT" }],
  [
    "a publishable key",
    () => Promise.resolve("sb_publishable_x"),
    401,
    { error: "The token provided is not a valid JWT" },
  ],
  ["an expired token", (bench) => bench.token({}, -5), 401, { error: "Token has expired" }],
  [
    "no exp",
    () => sign({ role: "anon" }),
    401,
    { error: "Fields `role` and `exp` are required in JWT" },
  ],
  [
    "no role",
    () => sign({ exp: 4102444800 }),
    401,
    { error: "Fields `role` and `exp` are required in JWT" },
  ],
  ["alg none", () => Promise.resolve(unsigned()), 401, {
    error: "Failed to generate JWT signer, check your JWT secret or JWKS configuration",
  }],
];

Deno.test("the handshake refuses with the status and the words of the original", async (t) => {
  await using bench = await openBench();
  for (const [name, token, status, body] of CASES) {
    await t.step(name, async () => {
      const answer = await upgrade(bench, `?apikey=${await token(bench)}`);
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [status, body]);
    });
  }
  await t.step("an unknown tenant", async () => {
    const answer = await upgrade(bench, `?apikey=${await bench.token()}`, { host: "other.x" });
    assert.deepEqual([answer.status, answer.body], [404, '{"error":"Tenant not found"}']);
  });
  await t.step("an unknown vsn", async () => {
    const answer = await upgrade(bench, `?apikey=${await bench.token()}&vsn=9.9.9`);
    assert.deepEqual([answer.status, answer.body], [403, ""]);
  });
  await t.step("an apikey header, which is not read", async () => {
    const answer = await upgrade(bench, "", { apikey: await bench.token() });
    assert.equal(answer.status, 401);
  });
  await t.step("an x-api-key header, which is, before the query", async () => {
    const answer = await upgrade(bench, "?apikey=xyz", { "x-api-key": await bench.token() });
    assert.equal(answer.status, 101);
  });
  await t.step("a request that is no upgrade", async () => {
    const answer = await fetch(`${bench.realtime.url}/socket/websocket`);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /^'connection' header must contain 'upgrade', got \[/);
  });
});

const UPGRADES: [string, Record<string, string | undefined>, number, string][] = [
  [
    "tokens in lists and capitals",
    {
      connection: "keep-alive, UPGRADE",
      upgrade: "h2c, WebSocket",
    },
    101,
    "",
  ],
  [
    "another connection",
    { connection: "keep-alive, no-upgrade" },
    400,
    "'connection' header must contain 'upgrade', got [\"keep-alive, no-upgrade\"]",
  ],
  [
    "another upgrade",
    { upgrade: "h2c" },
    400,
    "'upgrade' header must contain 'websocket', got [\"h2c\"]",
  ],
  ["no upgrade", { upgrade: undefined }, 400, "'upgrade' header must contain 'websocket', got []"],
  ["no key", { "sec-websocket-key": undefined }, 400, "'sec-websocket-key' header is absent"],
  [
    "another version",
    { "sec-websocket-version": "8" },
    400,
    "'sec-websocket-version' header must equal '13', got [\"8\"]",
  ],
  [
    "no version",
    { "sec-websocket-version": undefined },
    400,
    "'sec-websocket-version' header must equal '13', got []",
  ],
  ["another method", { method: "POST" }, 400, ""],
];

Deno.test("what is no good upgrade is told what is wrong with it, before its key is read", async (t) => {
  await using bench = await openBench();
  const token = await bench.token();
  for (const [name, headers, status, words] of UPGRADES) {
    await t.step(name, async () => {
      const query = status === 101 ? `?apikey=${token}` : "";
      const answer = await upgrade(bench, query, headers);
      assert.deepEqual([answer.status, answer.body], [status, words]);
    });
  }
  assert.deepEqual(bench.log, []);
});

Deno.test("with delays a refusal waits, and keeps nobody else waiting", async () => {
  await using bench = await openBench({ delays: true });
  const order: string[] = [];
  const refused = upgrade(bench, "").then(({ status }) => order.push(`refused ${status}`));
  const wire = await openWire(bench, await bench.token());
  order.push(`joined ${(await wire.join("realtime:a")).status}`);
  await refused;
  assert.deepEqual(order, ["joined ok", "refused 401"]);
  wire.close();
});

Deno.test("a start that cannot work says why in one sentence", async () => {
  await using bench = await openBench();
  const start = (databaseUrl: string) => startRealtime({ databaseUrl, jwtSecret: JWT_SECRET });
  await assert.rejects(start(bench.postgres.adminUrl), {
    message: /^Realtime cannot follow the database's log: replication slot .* is active .*\.$/,
  });
  await assert.rejects(start(bench.postgres.url), {
    message: "Realtime needs a superuser's database URL: give it one.",
  });
});

const JOINS: [string, (bench: Bench) => Promise<unknown>, string][] = [
  [
    "a bad signature",
    async (bench) => (await bench.token()).slice(0, -10) + "AAAAAAAAAA",
    "JwtSignatureError: Failed to validate JWT signature",
  ],
  [
    "no JWT",
    () => Promise.resolve("xyz"),
    "MalformedJWT: The token provided is not a valid JWT",
  ],
  [
    "an empty token",
    () => Promise.resolve(""),
    "MalformedJWT: The token provided is not a valid JWT",
  ],
  [
    "an expired token",
    (bench) => bench.token({}, -7200),
    "InvalidJWTToken: Token has expired 720\\d seconds ago",
  ],
  [
    "no role",
    () => sign({ exp: 4102444800 }),
    "InvalidJWTToken: Fields `role` and `exp` are required in JWT",
  ],
];

Deno.test("a join is refused in words, and its socket stays open", async (t) => {
  await using bench = await openBench();
  const wire = await openWire(bench, await bench.token());
  for (const [name, token, reason] of JOINS) {
    await t.step(name, async () => {
      const reply = await wire.join("realtime:a", {}, { access_token: await token(bench) });
      assert.equal(reply.status, "error");
      assert.match(reply.response.reason, new RegExp(`^${reason}$`));
    });
  }
  await t.step("no topic", async () => {
    assert.deepEqual(await wire.join("realtime:"), {
      status: "error",
      response: { reason: "TopicNameRequired: You must provide a topic name" },
    });
  });
  for (const token of [null, "sb_publishable_x"]) {
    await t.step(`${token} counts as no token`, async () => {
      const reply = await wire.join("realtime:a", {}, { access_token: token });
      assert.deepEqual(reply, { status: "ok", response: { postgres_changes: [] } });
    });
  }
  await t.step("user_token beats access_token", async () => {
    const tokens = { user_token: "xyz", access_token: await bench.token() };
    const reply = await wire.join("realtime:a", {}, tokens);
    assert.equal(reply.status, "error");
  });
  for (const user_token of [null, 5]) {
    await t.step(`unless it is ${user_token}, which is no token`, async () => {
      const reply = await wire.join("realtime:a", {}, { user_token, access_token: "xyz" });
      assert.equal(reply.status, "error");
    });
  }
  await t.step("an API key as access_token stands for none, beside a user_token too", async () => {
    const tokens = { user_token: "xyz", access_token: "sb_publishable_x" };
    assert.equal((await wire.join("realtime:a", {}, tokens)).status, "ok");
  });
  await t.step("an API key as user_token is a token that is none", async () => {
    const tokens = { user_token: "sb_publishable_x", access_token: await bench.token() };
    assert.deepEqual((await wire.join("realtime:a", {}, tokens)).response, {
      reason: "MalformedJWT: The token provided is not a valid JWT",
    });
  });
  wire.close();
});

function sign(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(JWT_SECRET));
}

function unsigned(): string {
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
  return `${part({ alg: "none" })}.${part({ role: "anon", exp: 4102444800 })}.`;
}
