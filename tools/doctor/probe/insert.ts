import process from "node:process";
import type postgres from "postgres";
import { type Check, found, ok, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { askingAs } from "./database/claims.ts";
import { answered, connect } from "./database/connect.ts";
import { idOfChanges } from "./refusal.ts";
import { openSocket, settingOf, subscribe } from "./socket.ts";

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
export async function probeInsert(context: Context, db: string): Promise<Check[]> {
  const { waitMs } = context.options;
  const skip = (why: string) => [skipped("channels", `an inserted row: ${why}`)];
  const name = `realtime_doctor_${seconds()}_${crypto.randomUUID().slice(0, 8)}`;
  const sql = connect(db, waitMs);
  const drop = () => sql`drop table if exists ${sql(`public.${name}`)}`.catch(() => {});
  // Ctrl-C must not leave it behind either.
  const interrupt = () => void drop().finally(() => process.exit(INTERRUPTED));
  process.on("SIGINT", interrupt);
  try {
    const problem = await answered(make(sql, name, askingAs(context).role)).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (problem) return skip(problem);
    const dropped = await answered(dropLeft(sql)).catch(() => []);
    return [...dropped, await insert(sql, name, context)];
  } finally {
    await answered(drop()).catch(() => {});
    process.off("SIGINT", interrupt);
    await sql.end({ timeout: 1 });
  }
}

async function insert(sql: postgres.Sql, name: string, context: Context): Promise<Check> {
  const { waitMs, token } = context.options;
  const socket = await openSocket(context);
  if (!socket) return skipped("channels", "an inserted row: the socket did not open");
  try {
    const [{ state, saw, topic }, filtered] = await Promise.all([
      subscribe(socket, "public", name, token),
      subscribe(socket, "public", name, token, "id=gt.0"),
    ]);
    const setting = settingOf(saw, context);
    if (setting) return skipped("channels", `an inserted row: it lets in to ${setting}`);
    if (state !== "ready") {
      const id = idOfChanges(saw);
      return found(
        id === "changes_refused" ? "insert_lost" : id,
        saw || `the subscription is ${state}`,
      );
    }
    const start = performance.now();
    await answered(sql`insert into ${sql(`public.${name}`)} default values`);
    const change = (on: string) =>
      socket.frame(({ event, topic }) => event === "postgres_changes" && topic === on);
    const [plain, byFilter] = await Promise.all([change(topic), change(filtered.topic)]);
    const ms = Math.round(performance.now() - start);
    if (!plain) return found("insert_lost", `nothing within ${waitMs / 1000} s`);
    const arrived = `an inserted row arrived (${ms} ms)`;
    if (filtered.state === "ready" && byFilter) {
      return ok("channels", arrived, "row_arrives", "filtered_row_arrives");
    }
    const why = filtered.saw || "not by a subscription with a filter, which fits it";
    return found("filtered_row_lost", `${arrived}, and ${why}`, { shows: ["row_arrives"] });
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

async function make(sql: postgres.Sql, name: string, role: string): Promise<void> {
  const table = sql(`public.${name}`);
  const [{ exists }] = await sql`select exists (select from pg_roles where rolname = ${role})`;
  await sql.begin(async (sql) => {
    await sql`set local lock_timeout = '2s'`;
    await sql`create table ${table} (id bigint generated always as identity primary key)`;
    await sql`alter table ${table} enable row level security`;
    await sql`create policy doctor on ${table} for select using (true)`;
    await sql`revoke all on ${table} from anon, authenticated`;
    await sql`grant select on ${table} to anon, authenticated`;
    if (exists) await sql`grant select on ${table} to ${sql(role)}`;
    await sql`alter publication supabase_realtime add table ${table}`;
  });
}
