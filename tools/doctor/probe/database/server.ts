import type postgres from "postgres";
import { type Check, found, ok } from "../../check.ts";
import type { FindingId } from "../../findings/mod.ts";

/** A slot that holds more of the log than this is not being read. */
const LAG_BYTES = 1 << 30;

/** Realtime's slot for broadcasts from the database; its other one is for changes. */
const MESSAGES = "%messages%";

/** What is the whole server's: the log, slots, senders. */
export async function probeServer(sql: postgres.Sql): Promise<Check[]> {
  const [{ level, senders, maxSenders, slots, maxSlots, hasSlot, isSent }] = await sql`
    select current_setting('wal_level') as level,
      (select count(*)::int from pg_stat_replication) as senders,
      current_setting('max_wal_senders')::int as "maxSenders",
      (select count(*)::int from pg_replication_slots) as slots,
      current_setting('max_replication_slots')::int as "maxSlots",
      exists (
        select from pg_replication_slots where ${ofRealtime(sql)} and slot_name not like ${MESSAGES}
      ) as "hasSlot",
      exists (
        select from pg_replication_slots
        where active and ${ofRealtime(sql)} and slot_name like ${MESSAGES}
      ) as "isSent"
  `;
  if (level !== "logical") {
    const paste = ["alter system set wal_level = logical;", "-- then restart Postgres"];
    return [found("wal_level", `wal_level is ${level}`, { paste })];
  }
  // What is full keeps out who is not in: changes come by a slot that is asked, and kept by its name;
  // broadcasts by one with a sender.
  return [
    ok("database", "wal_level is logical"),
    slots >= maxSlots && !hasSlot
      ? full("slots_full", "max_replication_slots", slots, maxSlots)
      : ok("database", `${slots} of ${maxSlots} replication slots are taken`),
    ...(senders >= maxSenders && !isSent
      ? [full("senders_full", "max_wal_senders", senders, maxSenders)]
      : []),
    ...await probeSlots(sql),
  ];
}

function full(id: FindingId, setting: string, now: number, most: number): Check {
  const paste = [`alter system set ${setting} = ${most * 2};`, "-- then restart Postgres"];
  return found(id, `${now} of ${most} are taken`, { paste });
}

/** Realtime's slots go by its name, here and in the original. */
const ofRealtime = (sql: postgres.Sql) =>
  sql`slot_name like '%realtime%' and slot_type = 'logical'
    and (database is null or database = current_database())`;

async function probeSlots(sql: postgres.Sql): Promise<Check[]> {
  const slots = await sql`
    select slot_name as name, wal_status as status, active,
      pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as lag
    from pg_replication_slots where ${ofRealtime(sql)}
  `;
  return slots.flatMap(({ name, status, lag, active }) => {
    const paste = [`select pg_drop_replication_slot('${name}');`];
    if (status === "lost") return [found("slot_lost", `${name} is lost`, { paste })];
    if (lag > LAG_BYTES) {
      const saw = `${name} is ${(lag / LAG_BYTES).toFixed(1)} GiB behind, ${
        active ? "" : "not "
      }in use`;
      return [found("slot_lag", saw, { paste })];
    }
    return [ok("database", `slot ${name}: ${Math.round(lag / 1024)} KiB behind`)];
  });
}
