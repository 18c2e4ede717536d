import assert from "node:assert/strict";
import postgres from "postgres";
import { isolation } from "../support/hub/isolation.ts";
import { pagesOf } from "../support/hub/pages.ts";
import { perform, prepare } from "../support/hub/script.ts";
import { hosts, startRelay } from "../support/relay_host.ts";
import { withStack } from "../support/stack.ts";

Deno.test("through the hub, in front of a real Realtime", async (t) => {
  await withStack(async ({ info, postgres: server, realtime }) => {
    const sql = postgres(server.adminUrl, { max: 4, onnotice: () => {} });
    const relay = async (share: string) => {
      const relay = await startRelay(hosts[0], {
        SUPABASE_URL: info.API_URL,
        SUPABASE_PUBLISHABLE_KEY: info.PUBLISHABLE_KEY,
        SUPABASE_ANON_KEY: info.ANON_KEY,
        RELAY_JWT_SECRET: info.JWT_SECRET,
        RELAY_ANONYMOUS: "allow",
        RELAY_SHARE: share,
        RELAY_REFUSAL_DELAY_MS: "0",
        RELAY_DRAIN_MS: "0",
      });
      return { ...relay, url: `http://${relay.address}/functions/v1/relay` };
    };
    const [hub, tunnel] = [await relay("anonymous"), await relay("off")];
    const ways = [[tunnel, false], [tunnel, true], [hub, false], [hub, true]] as const;
    await prepare({ sql });
    // By itself it would, within a minute, and tell every channel that its changes flow once more.
    await realtime.lookAtPublication();
    for (const vsn of ["2.0.0", "1.0.0"] as const) {
      await t.step(`an application sees the same as through a tunnel, in vsn ${vsn}`, async () => {
        const seen = [];
        for (const [{ url }, inBatches] of ways) {
          await using pages = pagesOf(url, info, sql, inBatches);
          seen.push(await perform(pages, vsn));
        }
        const [through, ...others] = seen;
        assert.ok(Object.values(through).flat().length > 400, "the script says much");
        for (const other of others) assert.deepEqual(other, through);
      });
    }
    for (const [says, proof] of Object.entries(isolation)) {
      for (const inBatches of [false, true]) {
        await t.step(`${says}${inBatches ? ", in batches" : ""}`, async () => {
          await sql`truncate hub_rows, hub_others`;
          await using pages = pagesOf(hub.url, info, sql, inBatches);
          await proof(pages);
        });
      }
    }
    for (const { stop } of [hub, tunnel]) await stop();
    await sql.end();
  });
});
