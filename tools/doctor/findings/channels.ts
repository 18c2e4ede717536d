import type { Rows } from "./finding.ts";

/** What can go wrong on a socket that is open. */
export const CHANNELS = {
  socket_silent: [
    "failed",
    "The socket opens, and then nothing comes back.",
    "A proxy holds the frames: turn off buffering and inspection on this path.",
    { lines: "route" },
  ],
  socket_lost: [
    "failed",
    "The socket opens and is closed soon after.",
    "The close code and reason are shown above; without one, a proxy cut the connection.",
    { lines: "timeouts" },
  ],
  frames_broken: [
    "failed",
    "What comes on the socket is not frames as the server sent them.",
    "Something on the way changes them: turn inspection off there, and compression of WebSockets.",
    { explains: ["relay_no_upstream"], lines: "route" },
  ],
  join_refused: [
    "failed",
    "A public channel cannot be joined.",
    "The reason is shown above: refresh an expired token; limits are settings of Realtime.",
  ],
  join_limited: [
    "failed",
    "There are too many joins or channels just now, or too few connections for them.",
    "Try again later; raise the limits of the tenant, or its db_pool, if that stays.",
  ],
  database_unreached: [
    "failed",
    "Realtime has no connection to the project's database just now.",
    "Run it again in a minute. If it stays, look at the database, its free connections, and Realtime's log.",
  ],
  private_silent: [
    "failed",
    "The join of the private channel is not answered, while a public one was.",
    "Realtime asks the database for it: look at its log, its connections, and policies that wait.",
  ],
  private_refused: [
    "failed",
    "The private channel refuses this role.",
    "Add a select policy on realtime.messages that lets this role receive this topic.",
  ],
  private_failed: [
    "failed",
    "The private channel is refused, and not by its policies.",
    "The reason is shown above; Realtime's log has more of it.",
  ],
  broadcast_lost: [
    "failed",
    "A broadcast does not come back to its sender, who asked for it.",
    "Something drops frames from client to server: check proxies and RELAY_POLICY.",
  ],
  channel_crashed: [
    "failed",
    "The channel crashes when something is sent on it.",
    "Look into Realtime's log. A tenant named realtime does this: give it another name.",
  ],
  filtered_row_lost: [
    "failed",
    "An inserted row arrives, and does not by a subscription with a filter that it fits.",
    "Realtime's own schema is behind its server: restart it, and read its log for migrations.",
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
