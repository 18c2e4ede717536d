import postgres from "postgres";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { openSocket, settingOf, subscribe } from "./channels.ts";

/** What shells expect of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * A row that must arrive: in a table of its own, published for these moments, visible to everybody
 * who subscribes it, and dropped whatever happens. It holds nothing but a number.
 */
export async function probeInsert(context: Context): Promise<Check[]> {
  const { db, waitMs } = context.options;
  const skip = (why: string) => [skipped("channels", `no row was inserted: ${why}`)];
  if (!db) return skip("--db was not given");
  const name = `realtime_doctor_${crypto.randomUUID().slice(0, 8)}`;
  const sql = postgres(db, {
    ...{ max: 1, connect_timeout: Math.ceil(waitMs / 1000), onnotice: () => {} },
    connection: { application_name: "realtime-relay-doctor" },
  });
  const drop = () => sql`drop table if exists ${sql(`public.${name}`)}`.catch(() => {});
  // Ctrl-C must not leave it behind either.
  const interrupt = () => void drop().finally(() => Deno.exit(INTERRUPTED));
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const problem = await make(sql, name).then(() => undefined, (error: Error) => error.message);
    return problem ? skip(problem) : [await insert(sql, name, context)];
  } finally {
    await drop();
    Deno.removeSignalListener("SIGINT", interrupt);
    await sql.end({ timeout: 1 });
  }
}

async function insert(sql: postgres.Sql, name: string, context: Context): Promise<Check> {
  const { waitMs, token } = context.options;
  const socket = await openSocket(context);
  if (!socket) return skipped("channels", "no row was inserted: the socket did not open");
  try {
    const { state, saw } = await subscribe(socket, "public", name, token);
    const setting = settingOf(saw);
    if (setting) return skipped("channels", `no row was inserted: it lets in to ${setting}`);
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
