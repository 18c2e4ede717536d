import postgres from "postgres";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { openSocket, settingOf, subscribe } from "./channels.ts";

/** Nobody's table is called so; the digits are when it was made, in seconds. */
const NAME = /^realtime_doctor_(\d{10})_[0-9a-f]{8}$/;
/** A run is over by then: each of its waits takes two minutes at most. */
const LEFT_S = 600;

/** What shells expect of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * A row that must arrive: in a table of its own, published for these moments, visible to everybody
 * who subscribes it, and dropped whatever happens. It holds nothing but a number.
 */
export async function probeInsert(context: Context): Promise<Check[]> {
  const { db, waitMs } = context.options;
  const skip = (why: string) => [skipped("channels", `an inserted row: ${why}`)];
  if (!db) return skip("--db was not given");
  const name = `realtime_doctor_${seconds()}_${crypto.randomUUID().slice(0, 8)}`;
  const sql = postgres(db, {
    max: 1,
    connect_timeout: Math.ceil(waitMs / 1000),
    // Else a connection that breaks early ends the process: nobody hears that question's answer.
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: "realtime-relay-doctor" },
  });
  const drop = () => sql`drop table if exists ${sql(`public.${name}`)}`.catch(() => {});
  // Ctrl-C must not leave it behind either.
  const interrupt = () => void drop().finally(() => Deno.exit(INTERRUPTED));
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const problem = await make(sql, name).then(() => undefined, (error: Error) => error.message);
    if (problem) return skip(problem);
    return [...await dropLeft(sql), await insert(sql, name, context)];
  } finally {
    await drop();
    Deno.removeSignalListener("SIGINT", interrupt);
    await sql.end({ timeout: 1 });
  }
}

async function insert(sql: postgres.Sql, name: string, context: Context): Promise<Check> {
  const { waitMs, token } = context.options;
  const socket = await openSocket(context);
  if (!socket) return skipped("channels", "an inserted row: the socket did not open");
  try {
    const { state, saw } = await subscribe(socket, "public", name, token);
    const setting = settingOf(saw);
    if (setting) return skipped("channels", `an inserted row: it lets in to ${setting}`);
    if (state !== "ready") return found("insert_lost", saw || `the subscription is ${state}`);
    const start = performance.now();
    await sql`insert into ${sql(`public.${name}`)} default values`;
    const change = await socket.frame(({ event }) => event === "postgres_changes");
    const ms = Math.round(performance.now() - start);
    if (change) return ok("channels", `an inserted row arrived (${ms} ms)`);
    return found("insert_lost", `nothing within ${waitMs / 1000} s`);
  } finally {
    socket.close();
  }
}

const seconds = () => Math.floor(Date.now() / 1000);

/** Tables of runs that could not drop theirs. One of another owner stays. */
async function dropLeft(sql: postgres.Sql): Promise<Check[]> {
  const rows = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'
      and substring(relname from ${NAME.source})::bigint < ${seconds() - LEFT_S}
  `;
  const drop = async ({ name }: { name: string }) => {
    await sql`drop table ${sql(`public.${name}`)}`;
    return ok("channels", `public.${name}, which a run that was killed left, is dropped`);
  };
  const dropped = await Promise.allSettled(rows.map(drop));
  return dropped.flatMap((it) => it.status === "fulfilled" ? it.value : []);
}

async function make(sql: postgres.Sql, name: string): Promise<void> {
  const table = sql(`public.${name}`);
  await sql.begin(async (sql) => {
    await sql`set local lock_timeout = '2s'`;
    await sql`create table ${table} (id bigint generated always as identity primary key)`;
    await sql`alter table ${table} enable row level security`;
    await sql`create policy doctor on ${table} for select using (true)`;
    await sql`revoke all on ${table} from anon, authenticated`;
    await sql`grant select on ${table} to anon, authenticated`;
    await sql`alter publication supabase_realtime add table ${table}`;
  });
}
