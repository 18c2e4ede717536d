import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { startRealtime } from "../../tools/stack/realtime/mod.ts";
import { Wal } from "../../tools/stack/realtime/log/wal.ts";
import { inTime } from "../support/in_time.ts";
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

Deno.test("what is handled after its connection was lost is not counted for the next one", async () => {
  await using bench = await openBench();
  await bench.sql`create table followed (id int primary key)`;
  await bench.sql`create table elsewhere (id int primary key)`;
  await bench.sql`create publication followed for table followed`;
  // Postgres says where the log ends when half of this has passed.
  await bench.sql`alter system set wal_sender_timeout = '4s'`;
  await bench.sql`select pg_reload_conf()`;
  const [first, again] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const delivered = Promise.withResolvers<void>();
  let changes = 0;
  const wal = new Wal({
    database: { url: bench.postgres.adminUrl, sql: bench.sql, log() {}, close: async () => {} },
    ...{ publication: "followed", slot: "follower" },
    onMessage(message, wal) {
      if (message.kind === "change" && ++changes === 1) {
        first.resolve();
        return again.promise;
      }
      if (message.kind === "change") again.resolve();
      if (message.kind !== "commit") return;
      wal.delivered(message.end, true);
      delivered.resolve();
    },
    onLost() {},
  });
  try {
    await wal.ready;
    await bench.sql`insert into followed values (1)`;
    await inTime(first.promise, "the change comes");
    wal.restart(new Error("lost"));
    await inTime(delivered.promise, "it comes again");
    await bench.sql`insert into elsewhere values (1)`;
    await inTime(letGo(bench.sql, "follower"), "the log of other tables is let go of");
  } finally {
    await wal.stop();
  }
});

/** Until the log, as far as it goes now, is kept for no slot of this name any more. */
async function letGo(sql: Sql, slot: string) {
  const [{ end }] = await sql`select pg_current_wal_lsn() as end`;
  for (;;) {
    const kept = await sql`
      select from pg_replication_slots
      where slot_name like ${`${slot}%`} and confirmed_flush_lsn < ${end}::pg_lsn
    `;
    if (kept.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
