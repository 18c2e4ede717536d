import assert from "node:assert/strict";
import { VERSION } from "../supabase/functions/relay/health.ts";
import type { Context } from "../tools/doctor/context.ts";
import { readOptions } from "../tools/doctor/options.ts";
import { probeIdle } from "../tools/doctor/probe/idle.ts";
import { probeRelay } from "../tools/doctor/probe/relay.ts";
import { inTime } from "./support/in_time.ts";
import { hosts, type RelayProcess } from "./support/relay_host.ts";
import { withRelay } from "./support/served_relay.ts";
import { PUBLISHABLE_KEY } from "./support/tokens.ts";

/** More than the test waits: the worker ends first. */
const HOLD_S = 60;

/** What the doctor knows of a relay at this address. */
function contextOf(relay: URL): Context {
  const options = readOptions([relay.href, "--key", PUBLISHABLE_KEY, "--idle"], {});
  assert.ok(options !== "help");
  const socket = new URL(`${relay.href}/websocket`);
  return { options, target: { kind: "relay", relay, socket }, progress() {} };
}

/** What is found of a silent socket whose worker ends, by the age of the worker. */
async function findings(workerSince: number | undefined): Promise<unknown[]> {
  const env = { RELAY_ANONYMOUS: "allow", RELAY_DRAIN_MS: "0" };
  let checks: Awaited<ReturnType<typeof probeIdle>> = [];
  await withRelay(hosts[0], { env }, async ({ relay }) => {
    const context = contextOf(new URL(`http://${relay.address}/relay`));
    const idle = probeIdle({ ...context, workerSince }, [HOLD_S]);
    await endWorker(relay);
    checks = await inTime(idle, "the doctor sees it");
  });
  return checks.map(({ id, state }) => id ?? state);
}

async function endWorker(relay: RelayProcess): Promise<void> {
  await inTime(relay.line(({ event }) => event === "open"), "a socket is open");
  relay.signal("SIGTERM");
  await relay.exited;
}

Deno.test("a socket that ends with its worker is not blamed on a proxy", async () => {
  assert.deepEqual(await findings(Date.now() - 120_000), ["ok"]);
});

Deno.test("a worker that ends sooner than hosted ones do is a warning", async () => {
  assert.deepEqual(await findings(Date.now() - 30_000), ["relay_worker_short"]);
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
  assert.match(await told(3_600_000), /up for 3600 s: no wall clock of hosted workers ends it/);
  assert.match(
    await told(30_000),
    /up for 30 s; a hosted worker ends, with its sockets, after 150 s/,
  );
});
