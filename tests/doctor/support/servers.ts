import { LogicalReplicationService, PgoutputPlugin } from "pg-logical-replication";
import postgres from "postgres";
import { startPostgres } from "../../../tools/stack/postgres/postgres.ts";
import { inTime } from "../../support/in_time.ts";
import type { SetUp, Stage } from "./stage.ts";

/** Enough segments of the log that a slot which may keep one megabyte loses its place. */
const SEGMENTS = 4;
/** A segment is of 16 MiB. */
const SEGMENTS_OF_A_GIGABYTE = 64;
/** How long a sender of the log may take to end. */
const PATIENCE_MS = 30_000;

/** What is printed, run on that server as its owner would; `alter system` wants no transaction. */
async function execute(args: string[], paste: string[]): Promise<string[]> {
  const sql = postgres(args[args.indexOf("--db") + 1], { max: 1, onnotice: () => {} });
  try {
    for (const line of paste) await sql.unsafe(line);
    await sql`alter system reset all`;
  } finally {
    await sql.end();
  }
  return args;
}

/** A Postgres with settings that no running server takes, on data that all set-ups share. */
async function server({ stack, after }: Stage, dataDir: string, settings: Record<string, string>) {
  const own = await startPostgres({ dataDir, settings: { fsync: "off", ...settings } });
  after(own.stop);
  const sql = postgres(own.adminUrl, { max: 1, onnotice: () => {} });
  after(() => sql.end());
  after(() => dropSlots(sql));
  return { sql, url: own.adminUrl, args: [stack.info.API_URL, "--quick", "--db", own.adminUrl] };
}

/** Drops every slot. One whose reader has just hung up is still taken until its sender is gone. */
async function dropSlots(sql: postgres.Sql): Promise<void> {
  await sql`
    select pg_terminate_backend(active_pid, ${PATIENCE_MS}) from pg_replication_slots
    where active_pid is not null
  `;
  await sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots`;
}

const makeSlot = (sql: postgres.Sql, name: string) =>
  sql`select pg_create_logical_replication_slot(${name}, 'pgoutput')`;

/** As Realtime has it for changes: it lives with its connection, and no sender reads it. */
async function holdSlot({ after }: Stage, url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  after(() => sql.end());
  await sql`select pg_create_logical_replication_slot(${CHANGES}, 'pgoutput', true)`;
}

const [CHANGES, MESSAGES] = ["", "messages_"].map((of) =>
  `supabase_realtime_${of}replication_slot_`
);

/** Reads the log by a slot of this name. */
async function readSlot(
  { after }: Stage,
  { sql, url }: { sql: postgres.Sql; url: string },
  name: string,
): Promise<void> {
  await makeSlot(sql, name);
  await sql`create publication everything for all tables`;
  const reader = new LogicalReplicationService({ connectionString: url });
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: ["everything"] });
  const started = new Promise((resolve) => reader.once("start", resolve));
  reader.subscribe(plugin, name).catch(() => "It was ended.");
  after(() => sql`drop publication everything`);
  after(() => reader.destroy());
  await inTime(started, "the log is read");
}

/** Moves the log on by whole segments, each with next to nothing in it. */
async function fillSegments(sql: postgres.Sql, count: number): Promise<void> {
  await sql`
    select pg_logical_emit_message(false, 'doctor', 'a record'), pg_switch_wal()
    from generate_series(1, ${count}::int)
  `;
}

/** Servers at which nothing is wrong. */
export const healthyServers = (dataDir: string): Omit<SetUp, "expect">[] => [
  {
    name: "a server whose slots and last sender are Realtime's own",
    make: async (stage) => {
      const settings = { max_replication_slots: "2", max_wal_senders: "1" };
      const made = await server(stage, dataDir, settings);
      await holdSlot(stage, made.url);
      await readSlot(stage, made, MESSAGES);
      return made.args;
    },
  },
];

/** What is wrong with a whole server, whose data is in `dataDir`. */
export const serverSetUps = (dataDir: string): SetUp[] => [
  {
    name: "a server whose log is not logical",
    ...{ expect: "wal_level", paste: /set wal_level = logical/ },
    mend: (_, paste, args) => execute(args, paste).then(() => undefined),
    make: async (stage) => (await server(stage, dataDir, { wal_level: "replica" })).args,
  },
  {
    name: "a database that is not the one Realtime reads",
    expect: "insert_lost",
    make: async (stage) => {
      const { url } = await server(stage, dataDir, {});
      return [stage.stack.info.API_URL, "--db", url];
    },
  },
  {
    name: "a server whose replication slots are all taken",
    ...{ expect: "slots_full", paste: /max_replication_slots = 4/ },
    mend: (_, paste, args) => execute(args, paste).then(() => undefined),
    make: async (stage) => {
      const { sql, args } = await server(stage, dataDir, { max_replication_slots: "2" });
      for (const name of ["a", "b"]) await makeSlot(sql, name);
      return args;
    },
  },
  {
    name: "a server whose last slot is Realtime's for broadcasts, so that none is left for changes",
    ...{ expect: "slots_full", paste: /max_replication_slots = 4/ },
    make: async (stage) => {
      const made = await server(stage, dataDir, { max_replication_slots: "2" });
      await makeSlot(made.sql, "somebody");
      await readSlot(stage, made, MESSAGES);
      return made.args;
    },
  },
  {
    name: "a server whose WAL senders are all taken, while Realtime reads changes without one",
    ...{ expect: "senders_full", paste: /max_wal_senders = 2/ },
    make: async (stage) => {
      const made = await server(stage, dataDir, { max_wal_senders: "1" });
      await readSlot(stage, made, "somebody");
      await holdSlot(stage, made.url);
      return made.args;
    },
  },
  {
    name: "a server whose WAL senders are all taken",
    ...{ expect: "senders_full", paste: /max_wal_senders = 2/ },
    mend: (_, paste, args) => execute(args, paste).then(() => undefined),
    make: async (stage) => {
      const made = await server(stage, dataDir, { max_wal_senders: "1" });
      await readSlot(stage, made, "somebody");
      return made.args;
    },
  },
  {
    name: "a slot that nobody reads and that holds a gigabyte of the log",
    ...{ expect: "slot_lag", paste: /pg_drop_replication_slot\('supabase_realtime_/ },
    mend: (_, paste, args) => execute(args, paste),
    make: async (stage) => {
      // Segments that are not filled take no room on the disk.
      const { sql, args } = await server(stage, dataDir, { wal_init_zero: "off" });
      await makeSlot(sql, "supabase_realtime_replication_slot");
      await fillSegments(sql, SEGMENTS_OF_A_GIGABYTE + 1);
      return args;
    },
  },
  {
    name: "a slot that lost its place in the log",
    ...{ expect: "slot_lost", paste: /pg_drop_replication_slot\('supabase_realtime_/ },
    mend: (_, paste, args) => execute(args, paste),
    make: async (stage) => {
      const settings = {
        max_slot_wal_keep_size: "1MB",
        max_wal_size: "32MB",
        min_wal_size: "32MB",
      };
      const { sql, args } = await server(stage, dataDir, settings);
      await makeSlot(sql, "supabase_realtime_replication_slot");
      await fillSegments(sql, SEGMENTS);
      await sql`checkpoint`;
      return args;
    },
  },
];
