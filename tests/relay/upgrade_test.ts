import assert from "node:assert/strict";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { createRelay } from "../../supabase/functions/relay/relay.ts";
import { relayEnv } from "../support/served_relay.ts";
import { sign } from "../support/tokens.ts";
import { FakeRuntime } from "./support/fuzz/fake_runtime.ts";
import { UPGRADE } from "./support/fuzz/handshakes.ts";

/** Asks for a socket with this value of Upgrade, on a host that may want it by case. */
async function ask(value: string, strictUpgradeValue: boolean) {
  const runtime = Object.assign(new FakeRuntime(), { strictUpgradeValue });
  const relay = createRelay(readConfig(relayEnv("http://127.0.0.1:1")), runtime);
  const headers = new Headers(UPGRADE);
  headers.set("upgrade", value);
  const url = `http://relay.test/relay?vsn=2.0.0&jwt=${await sign()}`;
  const { status } = await relay({ method: "GET", url, headers, body: null } as Request);
  runtime.upgrades.forEach(({ socket }) => socket.close());
  await Promise.all(runtime.kept);
  return { status, dials: runtime.dials.length, upgrades: runtime.upgrades.length };
}

Deno.test("where the host compares the value of Upgrade by case, another is refused before the dial", async () => {
  for (const value of ["WebSocket", "WEBSOCKET"]) {
    assert.deepEqual(await ask(value, true), { status: 400, dials: 0, upgrades: 0 });
    assert.deepEqual(await ask(value, false), { status: 200, dials: 1, upgrades: 1 });
  }
  assert.deepEqual(await ask("websocket", true), { status: 200, dials: 1, upgrades: 1 });
});
