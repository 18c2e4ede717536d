import type { Rows } from "./mod.ts";

/** What can go wrong on a socket that is open. */
export const CHANNELS = {
  socket_silent: [
    "failed",
    "The socket opens, and then nothing comes back.",
    "A proxy holds the frames: turn off buffering and inspection on this path.",
  ],
  socket_lost: [
    "failed",
    "The socket opens and is closed soon after.",
    "The close code and reason are shown above; without one, a proxy cut the connection.",
  ],
  join_refused: [
    "failed",
    "A public channel cannot be joined.",
    "The reason is shown above: refresh an expired token; limits are settings of Realtime.",
  ],
  private_refused: [
    "failed",
    "The private channel refuses this role.",
    "Add a select policy on realtime.messages that lets this role receive this topic.",
  ],
  broadcast_lost: [
    "failed",
    "A broadcast does not come back to its sender, who asked for it.",
    "Something drops frames from client to server: check proxies and RELAY_POLICY.",
  ],
  changes_refused: [
    "failed",
    "Realtime refuses the subscription to the table's changes.",
    "Check the table's name, publish it, grant select on it; --db shows which is missing.",
  ],
  changes_silent: [
    "failed",
    "Realtime never says that the subscription to changes is ready.",
    "It cannot read the database's log: check wal_level, slots and its log (--db).",
  ],
  insert_lost: [
    "failed",
    "A row was inserted, and its change did not arrive.",
    "Check that --db is the database that Realtime reads, its slot, and its log for errors.",
  ],
} as const satisfies Rows;
