-- What other people's migrations find besides: what role postgres may set on hosted projects, what
-- Storage keeps in the database, and the functions for its policies. Runs as superuser supabase_admin,
-- in one transaction, where there is no schema storage yet.

-- Settings ------------------------------------------------------------------------------------

-- Hosted projects allow more by an extension (supautils). Dumps of data begin with the first: rows
-- come in any order, and no trigger fires.
grant set on parameter session_replication_role to postgres;
grant set on parameter log_min_duration_statement, log_statement, log_lock_waits, log_min_messages,
  track_io_timing to postgres;
-- Of PostgREST: taken, and followed by nobody here.
grant set on parameter pgrst.db_aggregates_enabled, pgrst.db_extra_search_path, pgrst.db_max_rows,
  pgrst.db_plan_enabled, pgrst.db_pre_request, pgrst.db_schemas to postgres;

-- Schema storage ------------------------------------------------------------------------------

create role supabase_storage_admin nologin noinherit;
-- Hosted projects let postgres make policies and triggers on Storage's tables by an extension
-- (supautils). Without it only an owner may, so postgres becomes one by membership.
grant supabase_storage_admin to postgres;

create schema storage;
-- Usage and no create: on hosted projects nobody but Storage makes anything here.
grant usage on schema storage to anon, authenticated, service_role, supabase_storage_admin;
grant usage on schema storage to postgres with grant option;

create table storage.buckets (
  id text primary key,
  name text not null unique,
  owner uuid,
  owner_id text,
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table storage.objects (
  id uuid primary key default gen_random_uuid(),
  bucket_id text references storage.buckets,
  name text,
  owner uuid,
  owner_id text,
  metadata jsonb,
  user_metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  version text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(),
  unique (bucket_id, name)
);
-- Listing a folder asks for the names that begin with it.
create index on storage.objects (name text_pattern_ops);

-- Of uploads in parts, which nothing here makes: what the CLI pulls from a project grants on them.
create table storage.s3_multipart_uploads (
  id text primary key,
  in_progress_size bigint not null default 0,
  upload_signature text not null,
  bucket_id text not null references storage.buckets,
  key text not null,
  version text not null,
  owner_id text,
  user_metadata jsonb,
  metadata jsonb,
  created_at timestamptz not null default now()
);
create table storage.s3_multipart_uploads_parts (
  id uuid primary key default gen_random_uuid(),
  upload_id text not null references storage.s3_multipart_uploads on delete cascade,
  size bigint not null default 0,
  part_number integer not null,
  bucket_id text not null references storage.buckets,
  key text not null,
  etag text not null,
  owner_id text,
  version text not null,
  created_at timestamptz not null default now()
);
alter table storage.s3_multipart_uploads enable row level security;
alter table storage.s3_multipart_uploads_parts enable row level security;
alter table storage.s3_multipart_uploads owner to supabase_storage_admin;
alter table storage.s3_multipart_uploads_parts owner to supabase_storage_admin;

-- Rights are for everybody; who gets at what, policies say, and there are none yet.
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role, postgres;
alter table storage.buckets owner to supabase_storage_admin;
alter table storage.objects owner to supabase_storage_admin;

-- Of 'a/b/c.txt': {a,b}.
create function storage.foldername(name text) returns text[] language sql immutable as $$
  select parts[1:cardinality(parts) - 1] from string_to_array(name, '/') as parts
$$;

-- Of 'a/b/c.txt': 'c.txt'.
create function storage.filename(name text) returns text language sql immutable as $$
  select split_part(name, '/', -1)
$$;

-- Of 'a/b/c.txt': 'txt'; of a name without a dot, that name.
create function storage.extension(name text) returns text language sql immutable as $$
  select split_part(split_part(name, '/', -1), '.', -1)
$$;

-- What Storage is asked for, such as 'storage.object.upload'.
create function storage.operation() returns text language sql stable as $$
  select current_setting('storage.operation', true)
$$;

-- Whether it is that; 'object.upload' means the same.
create function storage.allow_any_operation(expected_operations text[]) returns boolean
language sql stable as $$
  select coalesce(bool_or(
    expected <> ''
    and regexp_replace(expected, '^storage\.', '')
      = regexp_replace(storage.operation(), '^storage\.', '')
  ), false) from unnest(expected_operations) as expected
$$;

create function storage.allow_only_operation(expected_operation text) returns boolean
language sql stable as $$
  select storage.allow_any_operation(array[expected_operation])
$$;

alter function storage.foldername(text) owner to supabase_storage_admin;
alter function storage.filename(text) owner to supabase_storage_admin;
alter function storage.extension(text) owner to supabase_storage_admin;
alter function storage.operation() owner to supabase_storage_admin;
alter function storage.allow_any_operation(text[]) owner to supabase_storage_admin;
alter function storage.allow_only_operation(text) owner to supabase_storage_admin;
