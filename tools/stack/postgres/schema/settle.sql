-- What also holds in data directories that were made before it did: runs at every start, as
-- superuser supabase_admin.

-- Whoever works through the stack's database address is supabase_admin. As on hosted projects, what
-- it makes in public is the API's to use, under its policies, and role postgres's.
alter default privileges for role supabase_admin in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
  grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_admin in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;
