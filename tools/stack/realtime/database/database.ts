/** The server's connections, and the functions that it keeps in the schema local_realtime. */
import postgres from "postgres";
import type { Log } from "../../log.ts";

export interface Database {
  url: string;
  /** Short questions: joins, subscriptions, rights. */
  sql: postgres.Sql;
  log: Log;
  close(): Promise<void>;
}

/** In this order: later files use what earlier ones make. */
const FILES = [
  "filter",
  "subscribe",
  "rows",
  "matches",
  "readers",
  "visibility",
  "private",
  "mirror",
];

/** Questions at a time; more wait. Postgres of a development stack has 100 connections for all. */
const CONNECTIONS = 4;

/** Settings that decide how values are printed, here and in the write-ahead log. */
export const SESSION = {
  TimeZone: "UTC",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
};

/** Connects as superuser and makes the functions. Connections that are lost are made anew. */
export async function openDatabase(url: string, log: Log): Promise<Database> {
  const sql = connect(url, CONNECTIONS);
  try {
    await check(sql);
    await install(sql);
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
  return { url, sql, log, close: () => sql.end({ timeout: 1 }) };
}

export function connect(url: string, max: number): postgres.Sql {
  return postgres(url, {
    max,
    onnotice: () => {},
    // The library's question for the types of arrays is nobody's: where the connection breaks in the
    // middle of it, the rejection ends the process. So no array is sent or read as such.
    fetch_types: false,
    connection: { application_name: "realtime", ...SESSION },
    // Constant: a restarting Postgres is back within a second, and nobody else waits for it.
    backoff: () => 0.25,
  });
}

/** Whether an error says that the database is gone, or going, rather than unwilling. */
export function isLost(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name !== "PostgresError" || /^(08|57P)/.test(code ?? "");
}

async function check(sql: postgres.Sql) {
  const [{ wal_level, messages, superuser }] = await sql`
    select current_setting('wal_level') as wal_level, to_regclass('realtime.messages') as messages,
      current_setting('is_superuser') = 'on' as superuser
  `;
  if (wal_level !== "logical") {
    throw new Error(`Realtime needs wal_level = logical, and it is ${wal_level}: set it, restart.`);
  }
  if (!superuser) throw new Error("Realtime needs a superuser's database URL: give it one.");
  if (!messages) throw new Error("The table realtime.messages is missing: run bootstrap.sql.");
}

async function install(sql: postgres.Sql) {
  const read = (file: string) => Deno.readTextFile(new URL(`${file}.sql`, import.meta.url));
  const files = await Promise.all(FILES.map(read));
  await sql.begin(async (sql) => {
    // Two servers on one database must not replace each other's functions at the same time.
    await sql`select pg_advisory_xact_lock(hashtext('local_realtime'))`;
    // Anew each time: those of an older version may have other arguments.
    await sql`drop schema if exists local_realtime cascade`;
    await sql`create schema local_realtime`;
    await sql.unsafe(files.join("\n")).simple();
  });
}
