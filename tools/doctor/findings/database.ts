import type { Rows } from "./mod.ts";

/** Why a row's change does not leave the database. */
export const DATABASE = {
  wal_level: [
    "failed",
    "wal_level is not logical, so no change leaves the database.",
    "Set it and restart Postgres.",
  ],
  publication_missing: [
    "failed",
    "The publication supabase_realtime does not exist.",
    "Create it with the tables that clients subscribe.",
  ],
  table_missing: [
    "failed",
    "The table does not exist.",
    "Check --table, and that the migrations were pushed to this database.",
  ],
  table_unpublished: [
    "failed",
    "The table is not in the publication supabase_realtime.",
    "Add it.",
  ],
  primary_key_missing: [
    "failed",
    "The table has no primary key: with row level security its rows arrive empty.",
    "Add a primary key.",
  ],
  replica_identity: [
    "warning",
    "The table's replica identity is nothing: updates and deletes on it fail once published.",
    "Set it to default (with a primary key) or full.",
  ],
  rls_off: [
    "warning",
    "Row level security is off: every subscriber gets every row.",
    "Enable it and add a policy for who may see which rows.",
  ],
  rls_no_policy: [
    "failed",
    "Row level security is on, and no select policy lets this role see a row.",
    "Add a select policy for the role.",
  ],
  grant_missing: [
    "failed",
    "The role may not select from the table, so it gets no change.",
    "Grant select to the role; row level security still decides about rows.",
  ],
  key_column_hidden: [
    "failed",
    "The role may not select the primary key: rows arrive empty, with Error 401.",
    "Grant select on the key's columns.",
  ],
  policy_raises: [
    "failed",
    "A policy fails for some row, which loses the changes of all subscribers.",
    "Make the policy's expression safe for every row (casts, subqueries with one row).",
  ],
  publish_via_root: [
    "failed",
    "The table is partitioned and published by its root: Realtime accepts it and sends nothing.",
    "Publish the partitions by themselves.",
  ],
  filter_array: [
    "failed",
    "A subscription filters an array or json column, which loses the changes of all subscribers.",
    "Take that filter out of the client.",
  ],
  filter_unfit: [
    "warning",
    "A subscription filters a char(n) column, or varchar by a pattern: it never matches.",
    "Filter another column, or make this one text.",
  ],
  subscribers_many: [
    "warning",
    "There are so many subscriptions that Realtime's one process falls behind.",
    "Send by broadcast instead: rights are then checked once a channel, not once a row.",
  ],
  slot_lost: [
    "failed",
    "A replication slot of Realtime has lost its place in the log.",
    "Drop the slot; Realtime makes a new one. Raise max_slot_wal_keep_size.",
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
  ],
  senders_full: [
    "failed",
    "All WAL senders are taken.",
    "Raise max_wal_senders and restart Postgres.",
  ],
  messages_missing: [
    "failed",
    "The table realtime.messages does not exist: no private channel, no database broadcast.",
    "Start Realtime on this database and open a channel once: it makes its schema then.",
  ],
  partition_missing: [
    "failed",
    "realtime.messages has no partition for today: broadcasts from the database are lost.",
    "Restart Realtime, which makes partitions at its start; check its rights on schema realtime.",
  ],
  messages_policy_open: [
    "warning",
    "A policy on realtime.messages is `using (true)`: every private topic is open.",
    "Compare the topic: using (realtime.topic() = …).",
  ],
  migrations_missing: [
    "warning",
    "Migrations of this repository were not applied here.",
    "Run supabase db push.",
  ],
} as const satisfies Rows;
