import type { Rows } from "./finding.ts";

/** What is wrong with the server, with Realtime's schema, or with what was migrated. */
export const DATABASE = {
  wal_level: [
    "failed",
    "wal_level is not logical, so no change leaves the database.",
    "Set it and restart Postgres.",
    { explains: ["changes_silent", "changes_refused", "insert_lost"] },
  ],
  realtime_schema_behind: [
    "failed",
    "Realtime's own schema in this database does not fit its server: its migrations did not all run.",
    "Restart Realtime and read its log for a migration that fails; restore nothing over its schema.",
    { explains: ["filtered_row_lost", "changes_refused", "insert_lost", "changes_silent"] },
  ],
  slot_lost: [
    "failed",
    "A replication slot of Realtime has lost its place in the log.",
    "Drop the slot; Realtime makes a new one. Raise max_slot_wal_keep_size.",
    { explains: ["changes_silent", "insert_lost"] },
  ],
  slot_lag: [
    "warning",
    "A replication slot of Realtime lies far behind and holds the log.",
    "Restart Realtime; drop the slot if nobody uses it, or the disk fills.",
  ],
  slots_full: [
    "failed",
    "All replication slots are taken.",
    "Drop slots that nobody uses, or raise max_replication_slots and restart.",
    { explains: ["changes_silent", "insert_lost"] },
  ],
  senders_full: [
    "failed",
    "All WAL senders are taken.",
    "Raise max_wal_senders and restart Postgres.",
    { explains: ["changes_silent", "insert_lost"] },
  ],
  messages_missing: [
    "failed",
    "The table realtime.messages does not exist: no private channel, no database broadcast.",
    "Start Realtime on this database and open a channel once: it makes its schema then.",
    { explains: ["private_refused", "partition_missing", "migrations_closed"] },
  ],
  partition_missing: [
    "failed",
    "realtime.messages has no partition for today: private channels and database broadcasts fail.",
    "Restart Realtime, which makes partitions at its start; check its rights on schema realtime.",
  ],
  messages_policy_raises: [
    "failed",
    "A policy on realtime.messages fails when it is asked about this topic.",
    "Make its expression safe for every topic and role; the error is shown.",
    { explains: ["private_refused", "topic_policy_missing"] },
  ],
  topic_policy_missing: [
    "failed",
    "No policy on realtime.messages lets this role receive this topic.",
    "Add one, beside those that are there; one that is restrictive must say yes itself.",
    { explains: ["private_refused"] },
  ],
  messages_policy_open: [
    "warning",
    "A policy on realtime.messages is `using (true)`: every private topic is open.",
    "Compare the topic: using (realtime.topic() = …).",
  ],
  messages_rls_off: [
    "failed",
    "Row level security of realtime.messages is off: every private channel is open to everybody.",
    "Turn it on: from then on a channel is open to whom a policy lets in, and to nobody else.",
  ],
  migrations_closed: [
    "warning",
    "Migrations of this repository want rights that this database's user does not have.",
    "Who is named with it runs what is printed; pushing again alone does not help.",
  ],
  migrations_missing: [
    "warning",
    "Migrations of this repository were not applied here.",
    "Run supabase db push --linked: without the option the CLI means the local database.",
    // Since CLI 3.0.0 a bare push means the local database.
    { settings: "supabase db push --linked" },
  ],
} as const satisfies Rows;
