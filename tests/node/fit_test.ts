import assert from "node:assert/strict";
import { fit } from "../../deploy/node/fit.ts";
import { readConfig } from "../../supabase/functions/relay/config/config.ts";
import { relayEnv } from "../support/served_relay.ts";

const configOf = (env: Record<string, string> = {}) =>
  readConfig({ ...relayEnv("https://project.test"), ...env });

Deno.test("connections, those to Realtime and those to the project have descriptors together", () => {
  for (const RELAY_PASS of ["", "all"]) {
    for (const RELAY_MAX_SOCKETS of ["", "50", "1000000"]) {
      const config = configOf({ RELAY_PASS, RELAY_MAX_SOCKETS });
      for (const free of [10, 100, 1_000, 20_000, 1_000_000]) {
        const { maxSockets, connections, passes } = fit(config, free);
        const dials = Math.min(maxSockets, Math.floor((5 / 16) * free));
        assert.ok(connections + dials + passes <= free, `${RELAY_PASS} ${free}`);
        assert.equal(passes > 0, RELAY_PASS === "all");
        // Each socket has room, and whoever is passed on beside them.
        assert.ok(connections >= dials + passes, `${RELAY_PASS} ${free}`);
      }
    }
  }
});

Deno.test("where the system has no limit nothing is bounded by it", () => {
  const { maxSockets, waitingMax, connections, passes } = fit(
    configOf({ RELAY_PASS: "all" }),
    Infinity,
  );
  assert.deepEqual([maxSockets, waitingMax], [10_000, 2_500]);
  assert.deepEqual([connections, passes], [Infinity, Infinity]);
});
