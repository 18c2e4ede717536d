import assert from "node:assert/strict";
import { agree } from "./support/doctor/agree.ts";
import { startCommand } from "./support/doctor/command.ts";
import { withDirectory } from "./support/directory.ts";
import { inTime } from "./support/in_time.ts";
import { startUpstream } from "./support/upstream.ts";
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

    const left = async () => {
      const [{ count }] = await stage.sql`
        select count(*)::int from pg_class where relname like 'realtime\\_doctor%' and relkind = 'r'
      `;
      return count;
    };
    await t.step("it leaves nothing behind in the database", async () => {
      assert.equal(await left(), 0);
    });
    await t.step("nor does Ctrl-C while a row is waited for", async () => {
      const upstream = startUpstream({ onSocket: agree });
      const args = ["--db", stage.stack.info.DB_URL, "--wait", "60"];
      const doctor = startCommand([`${upstream.url}/realtime/v1`, ...args], {
        ANON_KEY: stage.key,
      });
      try {
        let over = false;
        doctor.status.then(() => over = true);
        while (await left() === 0) {
          assert.ok(!over, "It ended before it made its table.");
          await new Promise((wake) => setTimeout(wake, 50));
        }
        doctor.kill("SIGINT");
        assert.equal((await inTime(doctor.status, "the doctor ends")).code, 130);
        assert.equal(await left(), 0);
      } finally {
        await upstream.stop();
      }
    });
  });
});
