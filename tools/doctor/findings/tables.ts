import type { Rows } from "./finding.ts";

/** Why a row's change does not leave the database, or leaves it for everybody. */
export const TABLES = {
  publication_missing: [
    "failed",
    "The publication supabase_realtime does not exist.",
    "Create it with the tables that clients subscribe.",
    {
      explains: [
        ...["table_unpublished", "changes_refused", "changes_silent", "insert_lost"] as const,
        "migrations_closed",
      ],
    },
  ],
  publication_operations: [
    "failed",
    "The publication leaves out some kinds of changes, which never arrive.",
    "Publish all of them.",
    { explains: ["insert_lost"] },
  ],
  publication_ignored: [
    "warning",
    "The publication hides columns or rows, and Realtime does not heed that: subscribers get them.",
    "Hide them by rights: grant select on some columns, and policies for rows.",
  ],
  table_missing: [
    "failed",
    "The table does not exist.",
    "Check --table, and that the migrations were pushed to this database.",
    { explains: ["table_unpublished", "changes_refused"] },
  ],
  table_kind: [
    "failed",
    "This is nothing that can be published, or that clients should see.",
    "Subscribe to the tables that it is made of; an unlogged table can be made a logged one.",
    { explains: ["changes_refused"] },
  ],
  table_unpublished: [
    "failed",
    "The table is not in the publication supabase_realtime.",
    "Add it.",
    { explains: ["changes_refused"] },
  ],
  tables_alike: [
    "warning",
    "Who subscribes to one table gets another one's changes too: Realtime takes `_` for any character.",
    "Rename one of the two; until then row level security of the other decides who sees its rows.",
  ],
  partitioned_root: [
    "failed",
    "The table is partitioned: Realtime refuses its root, and knows its leaves by themselves.",
    "Subscribe to each leaf by its own name; a subscription to the whole schema gets all of them.",
    { explains: ["changes_refused"] },
  ],
  partition_rights: [
    "failed",
    "The leaves of the partitioned table do not have its rights, and theirs are those that count.",
    "Give the leaves what the root has, and each new one as well.",
  ],
  publish_via_root: [
    "failed",
    "The table is partitioned and published by its root: Realtime accepts it and sends nothing.",
    "Publish the partitions by themselves.",
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
  role_missing: [
    "failed",
    "The database has no role by the name that the token carries.",
    "Sign tokens with a role that is there (authenticated), or make it, as the API's role.",
    { explains: ["changes_refused", "private_refused", "insert_lost"] },
  ],
  schema_usage_missing: [
    "failed",
    "The role may not use the table's schema, so its policies fail.",
    "Grant usage on the schema.",
    { explains: ["changes_refused", "insert_lost", "policy_raises"] },
  ],
  grant_missing: [
    "failed",
    "The role may not select from the table, so it gets no change.",
    "Grant select to the role; row level security still decides about rows.",
    { explains: ["changes_refused", "key_column_hidden"] },
  ],
  key_column_hidden: [
    "failed",
    "The role may not select the primary key: rows arrive empty, with Error 401.",
    "Grant select on the key's columns.",
  ],
  policy_grant_missing: [
    "failed",
    "A policy reads or calls what the role has no right to, which fails it for every row.",
    "Grant that right, or read it in a security definer function.",
    { explains: ["insert_lost"] },
  ],
  policy_raises: [
    "failed",
    "A policy fails for some row, which loses the changes of all subscribers.",
    "Make the policy's expression safe for every row (casts, subqueries with one row, current_setting(name, true)); its own table it may read by a function alone.",
    { explains: ["insert_lost"] },
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
} as const satisfies Rows;
