-- Columns of Auth's tables that the local Auth server does without, and that seeds of users name.
-- Runs at each start for a project, as role postgres, once that server has made its tables.
alter table auth.users add column if not exists instance_id uuid;
alter table auth.users add column if not exists is_super_admin boolean;
alter table auth.identities alter column id set default gen_random_uuid();
