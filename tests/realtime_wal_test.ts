import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { startRealtime } from "../tools/stack/realtime/mod.ts";
import { Wal } from "../tools/stack/realtime/wal.ts";
import { inTime } from "./support/in_time.ts";
import { JWT_SECRET, openBench } from "./support/realtime.ts";

Deno.test("one that is stopped before it has its slot reads nothing", async () => {
  await using bench = await openBench();
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sql = async (...question: [TemplateStringsArray, ...string[]]) => {
    asked.resolve();
    await answer.promise;
    return await bench.sql(...question);
  };
  const wal = new Wal({
    database: {
      ...{ url: bench.postgres.adminUrl, sql: sql as unknown as Sql },
      ...{ log() {}, close: () => Promise.resolve() },
    },
    ...{ publication: "supabase_realtime", slot: "never_read" },
    ...{ onMessage() {}, onLost() {} },
  });
  await asked.promise;
  const stopped = wal.stop();
  answer.resolve();
  await inTime(stopped, "it stops");
  const read = await bench.sql`
    select from pg_replication_slots where slot_name like 'never_read%' and active
  `;
  assert.equal(read.length, 0);
});

Deno.test("a server whose port is taken leaves the log to the next one", async () => {
  await using bench = await openBench();
  await bench.realtime.stop();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = { databaseUrl: bench.postgres.adminUrl, jwtSecret: JWT_SECRET };
  const { port } = taken.addr;
  await assert.rejects(startRealtime({ ...options, port }), Deno.errors.AddrInUse);
  bench.realtime = await startRealtime(options);
});
