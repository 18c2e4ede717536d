import assert from "node:assert/strict";
import type { Identity } from "../../supabase/functions/relay/door/identity.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { Places } from "../../supabase/functions/relay/peer/places.ts";
import { createLimits } from "../../supabase/functions/relay/door/limits.ts";
import { assertRefused, attack, binary, record, text } from "../support/attack.ts";
import { type Client, connect, type ConnectOptions } from "../support/client.ts";
import { testOnNewest } from "../support/relay_host.ts";
import { SECRETS, type ServedRelay, withRelay } from "../support/served_relay.ts";
import { BOB, sign } from "../support/tokens.ts";
import { Wire } from "../support/wire.ts";

const user: Identity = { kind: "user", id: "a", who: "a", role: "r", expiresAt: 4e9, token: "t" };

Deno.test("a place is given back once, however often its socket says that it left", () => {
  const config = readConfig({ SUPABASE_URL: "https://x.test", SUPABASE_ANON_KEY: "anon" });
  const limits = createLimits(config, new Places(), 2, Date.now);
  const place = limits.enter(user, "1.1.1.1");
  limits.enter(user, "1.1.1.1");
  assert.throws(() => limits.enter(user, "1.1.1.1"), { code: "too_many_sockets" });
  place.leave();
  place.become("open");
  place.leave();
  limits.enter(user, "1.1.1.1");
  assert.throws(() => limits.enter(user, "1.1.1.1"), { code: "too_many_sockets" });
});

Deno.test("one user and one address have so many sockets, and others theirs", () => {
  const config = readConfig({
    SUPABASE_URL: "https://x.test",
    SUPABASE_ANON_KEY: "anon",
    RELAY_MAX_SOCKETS_PER_USER: "1",
    RELAY_MAX_SOCKETS_PER_ADDRESS: "2",
  });
  const limits = createLimits(config, new Places(), 10, Date.now);
  const other = { ...user, id: "b", who: "b" };
  const viewer: Identity = { kind: "anonymous" };
  limits.enter(user, "1.1.1.1");
  assert.throws(() => limits.enter(user, "2.2.2.2"), { code: "too_many_user_sockets" });
  limits.enter(other, "1.1.1.1");
  assert.throws(() => limits.enter(viewer, "1.1.1.1"), { code: "too_many_address_sockets" });
  limits.enter(viewer, "2.2.2.2");
});

Deno.test("handshakes are counted by the minute, each address for itself", () => {
  const config = readConfig({
    SUPABASE_URL: "https://x.test",
    SUPABASE_ANON_KEY: "anon",
    RELAY_HANDSHAKES_PER_MINUTE: "2",
  });
  const clock = { ms: 60_000 };
  const limits = createLimits(config, new Places(), 1, () => clock.ms);
  const tooMany = { code: "too_many_handshakes" };
  for (let n = 0; n < 2; n++) limits.attempt("1.1.1.1");
  assert.throws(() => limits.attempt("1.1.1.1"), tooMany);
  limits.attempt("2.2.2.2");
  for (let n = 0; n < 9; n++) limits.attempt(undefined);
  clock.ms += 59_999;
  assert.throws(() => limits.attempt("1.1.1.1"), tooMany);
  clock.ms += 1;
  limits.attempt("1.1.1.1");
});

Deno.test("what is remembered of addresses and senders has a bound, beyond which it begins anew", () => {
  const config = readConfig({
    SUPABASE_URL: "https://x.test",
    SUPABASE_ANON_KEY: "anon",
    RELAY_HANDSHAKES_PER_MINUTE: "1",
    RELAY_FRAME_BURST: "1",
  });
  const limits = createLimits(config, new Places(), 1, () => 60_000);
  const isCounted = () => {
    try {
      return void limits.attempt("first");
    } catch {
      return true;
    }
  };
  const mayBroadcast = (address: string) => limits.mayBroadcast({ kind: "anonymous" }, address, 1);
  limits.attempt("first");
  for (let n = 2; n < 50_000; n++) limits.attempt(`${n}`);
  assert.ok(isCounted());
  limits.attempt("the last that has room");
  assert.ok(!isCounted());
  assert.ok(mayBroadcast("first"));
  for (let n = 1; n < 10_000; n++) mayBroadcast(`${n}`);
  assert.ok(!mayBroadcast("first"));
  mayBroadcast("one more");
  assert.ok(mayBroadcast("first"));
});

async function open({ urlWith }: ServedRelay, token: string, options?: ConnectOptions) {
  const client = connect(urlWith(token), options);
  await client.opened;
  return client;
}

async function close(client: Client) {
  client.socket.close();
  await client.closed;
}

const places: [string, Record<string, string>, string, boolean][] = [
  ["a worker", { RELAY_MAX_SOCKETS: "1" }, "too_many_sockets", false],
  ["a user", { RELAY_MAX_SOCKETS_PER_USER: "1" }, "too_many_user_sockets", true],
  [
    "an address",
    { RELAY_MAX_SOCKETS_PER_ADDRESS: "1", RELAY_TRUSTED_PROXIES: "1" },
    "too_many_address_sockets",
    true,
  ],
];

for (const [whose, env, code, others] of places) {
  testOnNewest(`the sockets of ${whose} are bounded, and a place is free again`, async (host) => {
    await withRelay(host, { ...record(), env }, async (served) => {
      const alice = await sign();
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
      const first = await open(served, alice, from("10.0.0.1"));
      await assertRefused(served.urlWith(alice), code as never, from("6.6.6.6, 10.0.0.1"));
      if (others) await close(await open(served, await sign({ sub: BOB }), from("10.0.0.2")));
      await close(first);
      await served.relay.line(({ event }) => event === "close");
      await close(await open(served, alice, from("10.0.0.1")));
      const health = await (await fetch(`http://${served.relay.address}/relay/health`)).text();
      assert.doesNotMatch(health, SECRETS);
      assert.equal(JSON.parse(health).refusals[code], 1);
    });
  });
}

testOnNewest("a socket that never came to be holds no place", async (host) => {
  const recorder = record();
  const refuse = () => new Response(null, { status: 503 });
  const env = { RELAY_MAX_SOCKETS: "1" };
  await withRelay(host, { ...recorder, refuse, env }, async (served) => {
    const token = await sign();
    for (let n = 0; n < 3; n++) await assertRefused(served.urlWith(token), "upstream_refused");
  });
  await withRelay(host, { ...recorder, env }, async (served) => {
    const token = await sign();
    const { pathname, search } = new URL(served.urlWith(token));
    for (const connection of ["keep-alive", "close", "Upgrade-Insecure-Requests"]) {
      using wire = await Wire.to(`http://${served.relay.address}`);
      const head = [
        `GET ${pathname}${search} HTTP/1.1`,
        ...["Host: x", "Upgrade: websocket", `Connection: ${connection}`],
        ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
      ];
      await wire.send(`${head.join("\r\n")}\r\n\r\n`);
      assert.match(await wire.until("\r\n"), /^HTTP\/1.1 400 /, connection);
    }
    assert.equal(served.upstream.dials(), 0);
    await close(await open(served, token));
  });
});

const frames: [string, Record<string, string>, (string | Uint8Array<ArrayBuffer>)[], RegExp][] = [
  [
    "too many messages",
    { RELAY_FRAME_BURST: "5", RELAY_FRAMES_PER_SECOND: "1" },
    Array(20).fill('[null,"1","phoenix","heartbeat",{}]'),
    /^too_many_frames: /,
  ],
  ["a long text", { RELAY_MAX_FRAME_BYTES: "1024" }, ["x".repeat(1025)], /^too_big: /],
  ["a text of many bytes", { RELAY_MAX_FRAME_BYTES: "1024" }, ["漢".repeat(342)], /^too_big: /],
  ["long bytes", { RELAY_MAX_FRAME_BYTES: "1024" }, [new Uint8Array(1025)], /^too_big: /],
];

for (const [what, env, send, expected] of frames) {
  testOnNewest(`${what} of a client end its socket, and no other`, async (host) => {
    const recorder = record();
    await withRelay(host, { ...recorder, env }, async (served) => {
      const other = await open(served, await sign());
      const client = await open(served, await sign());
      const { closed } = await attack(client, "2.0.0", send);
      assert.match(closed?.reason ?? "", expected);
      assert.ok([4413, 4429].includes(closed!.code));
      assert.deepEqual(await attack(other, "2.0.0", []), { refused: [] });
      await close(other);
      assert.equal(recorder.frames.length, 0);
    });
  });
}

testOnNewest(
  "the joins of a socket are bounded, and a channel that was left makes room",
  async (host) => {
    const recorder = record();
    await withRelay(host, { ...recorder, env: { RELAY_MAX_JOINS: "2" } }, async (served) => {
      const client = await open(served, await sign());
      const frame = (event: string) => (topic: string) =>
        text("2.0.0", `"realtime:${topic}"`, `"${event}"`, '{"config":{}}');
      const [join, leave] = ["phx_join", "phx_leave"].map(frame);
      const { refused } = await attack(client, "2.0.0", ["a", "b", "c", "a"].map(join));
      assert.deepEqual(refused.map((reason) => reason.split(":")[0]), ["too_many_joins"]);
      assert.deepEqual(await attack(client, "2.0.0", [leave("a"), join("c")]), { refused: [] });
      await close(client);
      assert.equal(recorder.frames.length, 5);
    });
  },
);

testOnNewest("names beyond any use are passed over, and cost no memory", async (host) => {
  const recorder = record();
  await withRelay(host, recorder, async (served) => {
    const client = await open(served, await sign());
    const long = `"${"x".repeat(100_000)}"`;
    const join = '{"config":{}}';
    const frames = [
      text("2.0.0", long, '"phx_join"', join),
      text("2.0.0", '"realtime:a"', '"phx_join"', join, long),
      `[${long},"1","realtime:a","phx_join",${join}]`,
      text("2.0.0", '"realtime:a"', long, join),
      binary(0, "realtime:a"),
    ];
    assert.deepEqual(await attack(client, "2.0.0", frames), { refused: [] });
    await close(client);
    assert.equal(recorder.frames.length, 0);
  });
});
