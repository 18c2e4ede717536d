import assert from "node:assert/strict";
import { withDirectory } from "./support/directory.ts";
import { DATABASE_SET_UPS } from "./support/doctor/database.ts";
import { serverSetUps } from "./support/doctor/servers.ts";
import { tryAll, tryHealthy, withStage } from "./support/doctor/stage.ts";
import { HEALTHY_TENANTS, TENANT_SET_UPS } from "./support/doctor/tenants.ts";

Deno.test("the doctor names why nothing arrives though the socket is well", async (t) => {
  await withStage(async (stage) => {
    await tryHealthy(t, stage, HEALTHY_TENANTS);
    await tryAll(t, stage, TENANT_SET_UPS);
    await tryAll(t, stage, DATABASE_SET_UPS);
    await withDirectory((dataDir) => tryAll(t, stage, serverSetUps(dataDir)));

    await t.step("it leaves nothing behind in the database", async () => {
      const [{ count }] = await stage.sql`
        select count(*)::int from pg_class where relname like 'realtime\_doctor%'
      `;
      assert.equal(count, 0);
    });
  });
});
