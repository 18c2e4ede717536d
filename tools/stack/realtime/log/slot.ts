/** The replication slot, which keeps of the log what was not delivered yet. */
import type { Database } from "../database/database.ts";

export interface Slot {
  database: Database;
  publication: string;
  /** Made if missing, and kept: a server that comes back goes on where it stopped. */
  slot: string;
}

/** Makes the slot if it is missing; its name ends with the database's, as slots are the cluster's. */
export async function ensureSlot({ database: { sql }, slot }: Slot): Promise<string> {
  const [{ name }] = await sql`
    select ${slot} || '_' || oid as name from pg_database where datname = current_database()
  `;
  await sql`
    select pg_create_logical_replication_slot(${name}, 'pgoutput')
    where not exists (select from pg_replication_slots where slot_name = ${name})
  `;
  return name;
}

/**
 * A slot whose publication was dropped stumbles for ever over the changes of that time, and one
 * whose log is gone can never go on: it is made anew, and the changes until now are lost.
 */
export async function renewIfStuck(slot: Slot, error: { code?: string; message: string }) {
  const { database: { sql, log }, publication } = slot;
  const [{ exists }] = await sql`
    select exists (select from pg_publication where pubname = ${publication})
  `.catch(() => [{ exists: false }]);
  const { code, message } = error;
  const isStuck = (code === "42704" && exists) || (code === "55000" && /slot/.test(message));
  if (!isStuck) return;
  log({ event: "slot_renewed", slot: slot.slot });
  await sql`select pg_drop_replication_slot(${await ensureSlot(slot)})`.catch(() => {});
}
