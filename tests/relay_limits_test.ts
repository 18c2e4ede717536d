import assert from "node:assert/strict";
import type { Identity } from "../supabase/functions/relay/authenticate.ts";
import { readConfig } from "../supabase/functions/relay/config.ts";
import { Bucket, createLimits } from "../supabase/functions/relay/limits.ts";
import { assertRefused, attack, binary, record, text } from "./support/attack.ts";
import { type Client, connect, type ConnectOptions } from "./support/client.ts";
import { testOnHosts } from "./support/relay_host.ts";
import { type ServedRelay, withRelay } from "./support/served_relay.ts";
import { BOB, sign } from "./support/tokens.ts";
import { Wire } from "./support/wire.ts";

const user: Identity = { kind: "user", id: "a", role: "r", expiresAt: 4e9, token: "t" };

Deno.test("a bucket lets a burst pass, then the average, and saves up no second burst", () => {
  const clock = { ms: 0 };
  const bucket = new Bucket(2, 10, () => clock.ms);
  const pass = () => {
    let count = 0;
    while (bucket.take()) count++;
    return count;
  };
  clock.ms = 3_600_000;
  assert.equal(pass(), 10);
  clock.ms += 1_000;
  assert.equal(pass(), 2);
  clock.ms += 400;
  assert.equal(pass(), 0);
  clock.ms += 100;
  assert.equal(pass(), 1);
  clock.ms -= 3_600_000;
  assert.equal(pass(), 0);
  clock.ms += 1_000;
  assert.equal(pass(), 2, "a clock that was set back costs nothing");
});

Deno.test("a place is given back once, however often its socket says that it left", () => {
  const config = readConfig({ SUPABASE_URL: "https://x.test", SUPABASE_ANON_KEY: "anon" });
  const limits = createLimits(config, 2, Date.now);
  const leave = limits.enter(user, "1.1.1.1");
  limits.enter(user, "1.1.1.1");
  assert.throws(() => limits.enter(user, "1.1.1.1"), { code: "too_many_sockets" });
  leave();
  leave();
  limits.enter(user, "1.1.1.1");
  assert.throws(() => limits.enter(user, "1.1.1.1"), { code: "too_many_sockets" });
});

Deno.test("handshakes are counted by the minute, each address for itself", () => {
  const config = readConfig({
    SUPABASE_URL: "https://x.test",
    SUPABASE_ANON_KEY: "anon",
    RELAY_HANDSHAKES_PER_MINUTE: "2",
  });
  const clock = { ms: 60_000 };
  const limits = createLimits(config, 1, () => clock.ms);
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
  testOnHosts(`the sockets of ${whose} are bounded, and a place is free again`, async (host) => {
    await withRelay(host, { ...record(), env }, async (served) => {
      const alice = await sign();
      const from = (address: string) => ({ headers: { "x-forwarded-for": address } });
      const first = await open(served, alice, from("10.0.0.1"));
      await assertRefused(served.urlWith(alice), code as never, from("6.6.6.6, 10.0.0.1"));
      if (others) await close(await open(served, await sign({ sub: BOB }), from("10.0.0.2")));
      await close(first);
      await served.relay.line(({ event }) => event === "close");
      await close(await open(served, alice, from("10.0.0.1")));
      const health = await (await fetch(`http://${served.relay.address}/relay/health`)).json();
      assert.equal(health.refusals[code], 1);
    });
  });
}

testOnHosts("a socket that never came to be holds no place", async (host) => {
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
  testOnHosts(`${what} of a client end its socket, and no other`, async (host) => {
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

testOnHosts(
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

testOnHosts("names beyond any use are passed over, and cost no memory", async (host) => {
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
