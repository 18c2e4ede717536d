import { asRole } from "./as_role.ts";
import type { SetUp, Stage } from "./stage.ts";

/** The doctor at the stack and its database. */
const all = ({ stack }: Stage, ...more: string[]) => [
  ...[stack.info.API_URL, "--db", stack.info.DB_URL, "--table", "public.url_clicks", ...more],
];

/** Runs a statement, and its opposite afterwards. */
async function change({ sql, after }: Stage, statement: string, undo: string): Promise<void> {
  await sql.unsafe(statement).simple();
  after(() => sql.unsafe(undo).simple());
}

/** Runs statements as the role that a project's owner has. */
async function owned({ sql, after }: Stage, statements: string, undo: string): Promise<void> {
  after(() => sql.unsafe(undo).simple());
  await asRole(sql, "postgres", statements);
}

/** A table of its own, published, readable by policy; then what `more` does to it. */
async function table(
  stage: Stage,
  more: string,
  columns = "id int primary key",
): Promise<string[]> {
  await owned(
    stage,
    `create table public.notes (${columns});
    alter table public.notes enable row level security;
    create policy "all notes" on public.notes for select using (true);
    revoke all on public.notes from anon, authenticated;
    grant select on public.notes to anon;
    alter publication supabase_realtime add table public.notes;
    ${more}`,
    "drop table if exists public.notes cascade",
  );
  const { API_URL, DB_URL } = stage.stack.info;
  return [API_URL, "--db", DB_URL, "--table", "public.notes"];
}

/** Why nothing arrives though the socket is well. */
export const DATABASE_SET_UPS: SetUp[] = [
  {
    name: "a table that is not in the publication",
    ...{ expect: "table_unpublished", paste: /add table (public\.)?notes/, pasteAs: "postgres" },
    make: (stage) => table(stage, "alter publication supabase_realtime drop table public.notes;"),
  },
  {
    name: "a published table that another one's name finds, too",
    expect: "tables_alike",
    make: async (stage) => {
      await change(
        stage,
        `create table public.urlXclicks (id int primary key);
        alter table public.urlXclicks enable row level security;
        alter publication supabase_realtime add table public.urlXclicks`,
        "drop table public.urlXclicks",
      );
      return [...all(stage), "--quick"];
    },
  },
  {
    name: "no publication at all",
    ...{ expect: "publication_missing", paste: /create publication supabase_realtime/ },
    pasteAs: "postgres",
    make: async (stage) => {
      const { sql } = stage;
      await change(
        stage,
        "drop publication supabase_realtime",
        `drop publication if exists supabase_realtime;
        create publication supabase_realtime for table public.url_clicks;
        alter publication supabase_realtime owner to postgres`,
      );
      await sql`select 1`;
      return [...all(stage), "--quick"];
    },
  },
  {
    name: "row level security without a policy for the role",
    ...{ expect: "rls_no_policy", paste: /create policy .* for select to anon/ },
    pasteAs: "postgres",
    make: (stage) => table(stage, 'drop policy "all notes" on public.notes;'),
  },
  {
    name: "a policy for another role",
    expect: "rls_no_policy",
    make: (stage) => table(stage, 'alter policy "all notes" on public.notes to authenticated;'),
  },
  {
    name: "a table without the grant to select",
    ...{ expect: "grant_missing", paste: /grant select on notes to anon/, pasteAs: "postgres" },
    make: (stage) => table(stage, "revoke all on public.notes from anon;"),
  },
  {
    name: "a grant on some columns, the key not among them",
    ...{ expect: "key_column_hidden", pasteAs: "postgres" },
    make: (stage) =>
      table(
        stage,
        "revoke all on public.notes from anon; grant select (body) on public.notes to anon;",
        "id int primary key, body text",
      ),
  },
  {
    name: "a table without a primary key",
    ...{ expect: "primary_key_missing", pasteAs: "postgres" },
    make: (stage) => table(stage, "alter table public.notes replica identity full;", "body text"),
  },
  {
    name: "a table without a primary key or a place in the publication, which gets the key first",
    ...{ expect: "primary_key_missing", also: ["table_unpublished"], pasteAs: "postgres" },
    make: (stage) =>
      table(stage, "alter publication supabase_realtime drop table public.notes;", "body text"),
  },
  {
    name: "a policy that fails for some row",
    expect: "policy_raises",
    make: (stage) =>
      table(
        stage,
        `insert into public.notes values (1, '7'), (2, 'seven');
        alter policy "all notes" on public.notes using (body::int > 0);`,
        "id int primary key, body text",
      ),
  },
  {
    name: "a partitioned table that is published by its root",
    ...{ expect: "publish_via_root", paste: /publish_via_partition_root = false/ },
    ...{ pasteAs: "postgres", left: ["partitioned_root", "partition_rights"] },
    make: async (stage) => {
      await change(
        stage,
        `create table public.notes (id int primary key) partition by range (id);
        create table public.notes_1 partition of public.notes for values from (0) to (100);
        alter table public.notes enable row level security;
        create policy "all notes" on public.notes for select using (true);
        grant select on public.notes to anon;
        alter publication supabase_realtime add table public.notes;
        alter publication supabase_realtime set (publish_via_partition_root = true)`,
        `drop table public.notes cascade;
        alter publication supabase_realtime set (publish_via_partition_root = false)`,
      );
      const { API_URL, DB_URL } = stage.stack.info;
      return [API_URL, "--db", DB_URL, "--table", "public.notes"];
    },
  },
  {
    name: "a table that is not there",
    expect: "table_missing",
    make: (stage) => [...all(stage).slice(0, -2), "--table", "public.no_such_table"],
  },
  {
    name: "a subscription with a filter on an array",
    expect: "filter_array",
    make: async (stage) => {
      const args = await table(stage, "", "id int primary key, tags text[]");
      await subscribed(stage, "tags");
      return args;
    },
  },
  {
    name: "a subscription with a filter on char(n)",
    expect: "filter_unfit",
    make: async (stage) => {
      const args = await table(stage, "", "id int primary key, code char(5)");
      await subscribed(stage, "code");
      return args;
    },
  },
  {
    name: "a subscription with a pattern on varchar",
    expect: "filter_unfit",
    make: async (stage) => {
      const args = await table(stage, "", "id int primary key, title varchar(80)");
      await subscribed(stage, "title", "like");
      return args;
    },
  },
  {
    name: "a thousand subscriptions",
    expect: "subscribers_many",
    make: async (stage) => {
      const args = await table(stage, "");
      await subscribed(stage, "id");
      await stage.sql`
        insert into realtime.subscription (entity, filters)
        select 'public.notes', array[]::realtime.user_defined_filter[] from generate_series(2, 1000)
      `;
      return args;
    },
  },
  {
    name: "a table without row level security",
    ...{ expect: "rls_off", paste: /enable row level security/, pasteAs: "postgres" },
    make: (stage) => table(stage, "alter table public.notes disable row level security;"),
  },
  {
    name: "a table with replica identity nothing",
    ...{ expect: "replica_identity", pasteAs: "postgres" },
    make: (stage) => table(stage, "alter table public.notes replica identity nothing;"),
  },
  {
    name: "a policy that opens every private topic",
    ...{ expect: "messages_policy_open", paste: /drop policy everything on/, pasteAs: "postgres" },
    make: async (stage) => {
      const policy = "policy everything on realtime.messages";
      await change(
        stage,
        `create ${policy} for select using (true)`,
        `drop policy if exists everything on realtime.messages`,
      );
      return all(stage);
    },
  },
  {
    name: "realtime.messages without row level security",
    ...{ expect: "messages_rls_off", pasteAs: "supabase_realtime_admin" },
    ...{ says: /every private channel is open to everybody/, never: /migrations_closed/ },
    make: async (stage) => {
      await change(
        stage,
        "alter table realtime.messages disable row level security",
        "alter table realtime.messages enable row level security",
      );
      return all(stage);
    },
  },
  {
    name: "a migration that was not pushed",
    expect: "migrations_missing",
    make: async (stage) => {
      const { sql, after } = stage;
      const [last] = await sql`
        delete from supabase_migrations.schema_migrations
        where version = (select max(version) from supabase_migrations.schema_migrations) returning *
      `;
      after(() => sql`insert into supabase_migrations.schema_migrations ${sql(last)}`);
      return all(stage);
    },
  },
  {
    name: "a database without realtime.messages",
    expect: "messages_missing",
    make: async (stage) => {
      await change(
        stage,
        "alter table realtime.messages rename to messages_away",
        "alter table realtime.messages_away rename to messages",
      );
      return [...all(stage), "--quick"];
    },
  },
  {
    name: "realtime.messages without a partition for today",
    expect: "partition_missing",
    make: async (stage) => {
      const { sql, after } = stage;
      const [{ name }] = await sql`
        select to_char(timezone('utc', now()), '"realtime.messages_"YYYY_MM_DD') as name
      `;
      await sql.unsafe(`drop table ${name}`);
      after(() => sql`select realtime.maintain_partitions()`);
      return [...all(stage), "--quick"];
    },
  },
];

/** The original's own list of who subscribes to what, which the local stack keeps in memory. */
async function subscribed(stage: Stage, column: string, op = "eq"): Promise<void> {
  await change(
    stage,
    `create type realtime.user_defined_filter as (column_name text, op text, value text);
    create table realtime.subscription (
      id bigint generated always as identity, entity regclass,
      filters realtime.user_defined_filter[]
    );
    insert into realtime.subscription (entity, filters) values
      ('public.notes', array[('${column}', '${op}', '{a}')::realtime.user_defined_filter])`,
    "drop table realtime.subscription; drop type realtime.user_defined_filter",
  );
}
