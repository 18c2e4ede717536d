-- Public links are on everybody's page, the newest first. So a user has a bounded number of them,
-- and cannot say that one is newer than it is.

-- Times that were set to the future before; those links would stay the newest.
update public.short_links set created_at = now() where created_at > now();

-- Users set what a link is made of: not when it was made nor whose it is. Rights that the project
-- has narrowed or taken back since are left as they are.
do $$
declare
  privilege text;
  columns text;
begin
  select string_agg(quote_ident(attname), ', ' order by attnum) into columns
  from pg_attribute
  where attrelid = 'public.short_links'::regclass and attnum > 0 and not attisdropped
    and attname not in ('owner', 'created_at');
  foreach privilege in array array['insert', 'update'] loop
    if has_table_privilege('authenticated', 'public.short_links', privilege) then
      execute format('revoke %s on table public.short_links from authenticated', privilege);
      execute format('grant %s (%s) on public.short_links to authenticated', privilege, columns);
    end if;
  end loop;
end
$$;

-- The same where column grants were undone: what a user says about the time counts for nothing.
create or replace function public.keep_created_at()
returns trigger
language plpgsql set search_path = ''
as $$
begin
  new.created_at := case tg_op when 'INSERT' then now() else old.created_at end;
  return new;
end
$$;

-- Refuses a user's links beyond the first tg_argv[0], with the status 409.
create or replace function public.bound_short_links()
returns trigger
-- Counts all links of the user, whatever the policies show.
language plpgsql security definer set search_path = ''
as $$
begin
  -- Somebody else's is refused by the policy, after this: nobody learns how many others have.
  if new.owner is distinct from (select auth.uid()) then
    return new;
  end if;
  -- One request after the other: two at once would both see room for the last link.
  perform pg_advisory_xact_lock(hashtextextended('short_links ' || new.owner, 0));
  if exists (
    select from public.short_links where owner = new.owner offset tg_argv[0]::int - 1
  ) then
    raise exception using
      -- PostgREST answers PT409 with the status 409, Conflict.
      errcode = 'PT409',
      message = format('A user has at most %s links.', tg_argv[0]),
      hint = 'Delete links that are not needed, or add them from a server with the secret key.';
  end if;
  return new;
end
$$;

-- Only triggers call them.
revoke all on function public.keep_created_at()
  from public, anon, authenticated, service_role;
revoke all on function public.bound_short_links()
  from public, anon, authenticated, service_role;

create or replace trigger keep_created_at
  before insert or update on public.short_links
  for each row when (row_security_active('public.short_links'::regclass))
  execute function public.keep_created_at();

-- People add one link at a time.
create or replace trigger add_few_rows
  before insert on public.short_links
  for each row when (current_setting('role') not in ('none', 'postgres', 'service_role'))
  execute function public.add_few_rows(10);

-- Half of what the links page shows: nobody fills it alone.
create or replace trigger bound_short_links
  before insert on public.short_links
  for each row when (current_setting('role') not in ('none', 'postgres', 'service_role'))
  execute function public.bound_short_links(100);
