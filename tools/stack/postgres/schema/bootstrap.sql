-- What a Supabase project has before the first migration, as far as this project needs it.
-- Runs once, as superuser supabase_admin, in one transaction, on a fresh cluster.
-- Roles that can log in get their passwords right after it.

-- Roles ---------------------------------------------------------------------------------------

-- The three that a request can have. service_role passes by row level security.
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;

-- The one a REST server logs in as; it becomes one of the three for each request.
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

-- The one migrations run as. No superuser, as on hosted projects: what works here works there.
create role postgres login createdb createrole bypassrls replication;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

-- The owners of what the Auth and the Realtime server keep in the database.
create role supabase_auth_admin login noinherit createrole;
create role supabase_realtime_admin nologin noinherit;
grant anon, authenticated, service_role to supabase_realtime_admin with inherit false;
create role dashboard_user nologin createdb createrole replication;

alter database postgres owner to postgres;
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;

-- Schema public -------------------------------------------------------------------------------

grant usage on schema public to anon, authenticated, service_role;

-- Hosted projects hand every new object of public to the API. Migrations must revoke what they
-- do not mean to give away, and only where this holds can a test prove that they do. The same for
-- what supabase_admin makes is in settle.sql.
alter default privileges for role postgres in schema public
  grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on sequences to anon, authenticated, service_role;

-- Schema extensions ---------------------------------------------------------------------------

create schema extensions;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to postgres, dashboard_user;
create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;

-- Schema auth ---------------------------------------------------------------------------------

create schema auth;
grant usage on schema auth to anon, authenticated, service_role, supabase_realtime_admin;
grant all on schema auth to supabase_auth_admin, dashboard_user;
-- The local Auth server makes its tables here, as role postgres.
grant usage, create on schema auth to postgres;

-- Who asks. PostgREST and Realtime set request.jwt.claims; older servers one setting a claim.
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

create function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;

create function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;

create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

-- Not owned by postgres: @supabase/lite would replace them by ones that know the old settings only.
alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;
alter function auth.email() owner to supabase_auth_admin;
alter function auth.jwt() owner to supabase_auth_admin;

-- Schema realtime -----------------------------------------------------------------------------

create schema realtime;
-- Usage and no create: on hosted projects nobody but Realtime makes anything here.
grant usage on schema realtime to anon, authenticated, service_role, supabase_realtime_admin;
grant usage on schema realtime to postgres with grant option;

-- Broadcasts from the database, one partition a day. Their policies are the rights of private
-- channels: select decides who receives, insert who sends.
create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default timezone('utc', now()),
  inserted_at timestamp not null default timezone('utc', now()),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

-- Replay reads the newest private broadcasts of a topic.
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres, dashboard_user;
alter table realtime.messages owner to supabase_realtime_admin;
-- Hosted projects let postgres make policies on this table by an extension (supautils). Without
-- it only an owner may, so postgres becomes one by membership.
grant supabase_realtime_admin to postgres;

-- The topic that a policy on realtime.messages is asked about.
create function realtime.topic() returns text language sql stable as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- Sends a broadcast. Runs with the caller's rights, and turns every error into a warning.
create function realtime.send(
  payload jsonb, event text, topic text, private boolean default true
) returns void language plpgsql as $$
declare
  message_id uuid := gen_random_uuid();
begin
  if not coalesce(payload ? 'id', false) then
    payload := jsonb_set(payload, '{id}', to_jsonb(message_id));
  end if;
  perform set_config('realtime.topic', topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (message_id, payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

-- The same with bytes for a payload.
create function realtime.send_binary(
  payload bytea, event text, topic text, private boolean default true
) returns void language plpgsql as $$
begin
  perform set_config('realtime.topic', topic, true);
  insert into realtime.messages (binary_payload, event, topic, private, extension)
  values (payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

-- For row triggers: sends what changed.
create function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW'
) returns void language plpgsql as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object(
      'operation', operation, 'schema', table_schema, 'table', table_name,
      'record', new, 'old_record', old
    ),
    event_name,
    topic_name
  );
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$$;

alter function realtime.topic() owner to supabase_realtime_admin;
alter function realtime.send(jsonb, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.send_binary(bytea, text, text, boolean) owner to supabase_realtime_admin;
alter function realtime.broadcast_changes(text, text, text, text, text, record, record, text)
  owner to supabase_realtime_admin;

-- Makes the partitions from yesterday to three days ahead and drops those whose last message is
-- older than 72 hours. For the Realtime server: at its start and every few hours.
create function realtime.maintain_partitions() returns void language plpgsql as $$
declare
  today date := timezone('utc', now())::date;
  day date;
  partition_name text;
begin
  for day in select generate_series(today - 1, today + 3, interval '1 day') loop
    partition_name := to_char(day, '"messages_"YYYY_MM_DD');
    if to_regclass('realtime.' || partition_name) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        partition_name, day, day + 1
      );
      execute format('alter table realtime.%I owner to supabase_realtime_admin', partition_name);
    end if;
  end loop;
  for partition_name in
    select relname from pg_class join pg_inherits on inhrelid = oid
    where inhparent = 'realtime.messages'::regclass
      and relname < to_char(today - 3, '"messages_"YYYY_MM_DD')
  loop
    execute format('drop table realtime.%I', partition_name);
  end loop;
end
$$;
revoke execute on function realtime.maintain_partitions() from public;
select realtime.maintain_partitions();

-- Publications --------------------------------------------------------------------------------

-- What Realtime listens to: migrations put their tables into the first.
create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
-- The original publishes each partition by its own name; here they are all realtime.messages.
create publication supabase_realtime_messages_publication for table realtime.messages
  with (publish = 'insert', publish_via_partition_root = true);
