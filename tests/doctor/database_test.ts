import assert from "node:assert/strict";
import { ident } from "../../tools/doctor/probe/database/quote.ts";
import { agree } from "./support/agree.ts";
import { startCommand } from "./support/command.ts";
import { CLUSTER } from "../support/database.ts";
import { inTime } from "../support/in_time.ts";
import { takeCopy } from "../support/template.ts";
import { startUpstream } from "../support/upstream.ts";
import { DATABASE_SET_UPS } from "./support/database.ts";
import { healthyServers, serverSetUps } from "./support/servers.ts";
import { diagnose } from "./support/run.ts";
import { type Bare, tryAll, tryHealthy, withStage } from "./support/stage.ts";
import { HEALTHY_ORIGINALS, ORIGINAL_SET_UPS } from "./support/originals.ts";
import { HEALTHY_TABLES, TABLE_SET_UPS } from "./support/tables.ts";
import { HEALTHY_TENANTS, TENANT_SET_UPS } from "./support/tenants.ts";

Deno.test("the doctor names why nothing arrives though the socket is well", async (t) => {
  await withStage(async (stage) => {
    await tryHealthy(t, stage, HEALTHY_TENANTS);
    await tryAll(t, stage, TENANT_SET_UPS);
    await tryAll(t, stage, DATABASE_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_TABLES);
    await tryAll(t, stage, TABLE_SET_UPS);
    await tryHealthy(t, stage, HEALTHY_ORIGINALS);
    await tryAll(t, stage, ORIGINAL_SET_UPS);
    const dataDir = await takeCopy(CLUSTER);
    try {
      await tryHealthy(t, stage, healthyServers(dataDir));
      await tryAll(t, stage, serverSetUps(dataDir));
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }

    await t.step("each word that PostgreSQL keeps for itself is quoted as a name", async () => {
      const kept = await stage.sql`
        select word from pg_get_keywords() where catcode in ('R', 'T')
      `;
      const bare = kept.map(({ word }) => word).filter((word) => ident(word) === word);
      assert.deepEqual(bare, []);
    });

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
      await withWaiting(stage, left, async (doctor) => {
        doctor.kill("SIGINT");
        assert.equal((await inTime(doctor.status, "the doctor ends")).code, 130);
        assert.equal(await left(), 0);
      });
    });
    await t.step("what kill -9 leaves, a later run drops, and nothing else", async () => {
      await withWaiting(stage, left, async (doctor) => {
        doctor.kill("SIGKILL");
        await inTime(doctor.status, "the doctor ends");
      });
      const { sql, stack, key } = stage;
      const [{ name }] = await sql`
        select relname as name from pg_class where relname like 'realtime\\_doctor%' and relkind = 'r'
      `;
      // As if it had been made an hour ago.
      const old = name.replace(/\d{10}/, (seconds: string) => String(Number(seconds) - 3600));
      const others = [name, "realtime_doctor_notes", name.replace(/\d{10}_/, "0000000001")];
      await sql`alter table ${sql(name)} rename to ${sql(old)}`;
      for (const other of others) await sql`create table ${sql(other)} ()`;
      try {
        const { printed } = await diagnose([
          stack.info.API_URL,
          "--key",
          key,
          "--db",
          stack.info.DB_URL,
        ]);
        const names = await sql`
          select relname from pg_class where relname like 'realtime\\_doctor%' and relkind = 'r'
        `;
        assert.deepEqual(names.map(({ relname }) => relname).sort(), others.sort());
        assert.match(printed, new RegExp(`${old}, which a run that was killed left, is dropped`));
      } finally {
        await sql`drop table ${sql(others)}`;
      }
    });
  });
});

/** Runs `work` with a doctor that waits for its row. */
async function withWaiting(
  { stack, key }: Bare,
  left: () => Promise<number>,
  work: (doctor: Deno.ChildProcess) => Promise<void>,
): Promise<void> {
  const upstream = startUpstream({ onSocket: agree });
  const args = ["--db", stack.info.DB_URL, "--wait", "60"];
  const doctor = startCommand([`${upstream.url}/realtime/v1`, ...args], { ANON_KEY: key });
  let over = false;
  const ended = doctor.status.then(() => over = true);
  try {
    while (await left() === 0) {
      assert.ok(!over, "It ended before it made its table.");
      await new Promise((wake) => setTimeout(wake, 50));
    }
    await work(doctor);
  } finally {
    if (!over) doctor.kill("SIGKILL");
    await ended;
    await upstream.stop();
  }
}
