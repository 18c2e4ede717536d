import assert from "node:assert/strict";
import { VERSION } from "../../supabase/functions/relay/say/version.ts";
import type { Context } from "../../tools/doctor/context.ts";
import { readOptions } from "../../tools/doctor/options.ts";
import { probeIdle } from "../../tools/doctor/probe/idle.ts";
import { probeRelay } from "../../tools/doctor/probe/relay.ts";
import { agree } from "./support/agree.ts";
import { inTime } from "../support/in_time.ts";
import { hosts } from "../support/relay_host.ts";
import { withRelay } from "../support/served_relay.ts";
import { PUBLISHABLE_KEY } from "../support/tokens.ts";

/** More than the test waits: the worker ends first. */
const HOLD_S = 60;

/** What the doctor knows of a relay at this address. */
function contextOf(relay: URL): Context {
  const options = readOptions([relay.href, "--key", PUBLISHABLE_KEY, "--idle"], {});
  assert.ok(options !== "help");
  const socket = new URL(`${relay.href}/websocket`);
  return { options, target: { kind: "relay", relay, socket }, progress() {} };
}

Deno.test("a socket that ends with its worker is not blamed on a proxy", async () => {
  const env = { RELAY_ANONYMOUS: "allow", RELAY_DRAIN_MS: "0" };
  const joined = Promise.withResolvers<void>();
  let joins = 0;
  const onSocket = (socket: WebSocket) => {
    agree(socket);
    socket.addEventListener("message", ({ data }) => {
      if (JSON.parse(data).event === "phx_join" && ++joins === 2) joined.resolve();
    });
  };
  await withRelay(hosts[0], { env, onSocket }, async ({ relay }) => {
    const context = contextOf(new URL(`http://${relay.address}/relay`));
    const aged = (ageMs: number) =>
      probeIdle({ ...context, workerSince: Date.now() - ageMs }, [HOLD_S]);
    const both = Promise.all([aged(120_000), aged(30_000)]);
    await inTime(joined.promise, "two sockets have joined");
    relay.signal("SIGTERM");
    const [[old], [young]] = await inTime(both, "the doctor sees it");
    assert.equal(old.state, "ok", old.saw);
    // Hosted ones live longer.
    assert.equal(young.id, "relay_worker_short", young.saw);
  });
});

Deno.test("a silent socket joins first, as the relay wants it, and is well if it may not", async () => {
  const env = { RELAY_ANONYMOUS: "allow", RELAY_DRAIN_MS: "0" };
  const policy = { RELAY_POLICY: '{"anon":{"topics":["clicks:*"]}}' };
  // The first is held for longer than a join may take; the second ends before.
  const cases = [
    { more: { RELAY_JOIN_TIMEOUT_MS: "3000" }, hold: 3.5, saw: /answers/ },
    { more: { RELAY_JOIN_TIMEOUT_MS: "200", ...policy }, hold: 10, saw: /join_timeout/ },
  ];
  for (const { more, hold, saw } of cases) {
    await withRelay(hosts[0], { env: { ...env, ...more }, onSocket: agree }, async ({ relay }) => {
      const context = contextOf(new URL(`http://${relay.address}/relay`));
      const [check] = await probeIdle(context, [hold]);
      assert.equal(check.state, "ok", check.saw);
      assert.match(check.saw, saw);
    });
  }
});

Deno.test("the doctor tells of a worker's wall clock what its age shows", async () => {
  const told = async (ageMs: number) => {
    const since = new Date(Date.now() - ageMs).toISOString();
    const health = { status: "ok", version: VERSION, since, checks: { hs256: "secret" } };
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => Response.json({ ...health, upstream: "http://kong:8000", anonymous: "allow" }),
    );
    const context = contextOf(new URL(`http://127.0.0.1:${server.addr.port}/relay`));
    const checks = await probeRelay(context, false);
    await server.shutdown();
    assert.equal(context.workerSince, Date.parse(since));
    return checks.map(({ saw }) => saw).join("\n");
  };
  assert.match(await told(3_600_000), /up for 36\d\d s: no wall clock of hosted workers ends it/);
  assert.match(
    await told(30_000),
    /up for [3-5]\d s; a hosted worker ends, with its sockets, after 150 s/,
  );
});
