-- Anybody may report a click, and everybody who looks on gets it twice, as a row and as a broadcast.
-- So a request adds few of them, and what it says about their times and ids counts for nothing.

-- Refuses a request's rows beyond the first tg_argv[0] in a table, with the status 413.
--
-- The count is a setting of the transaction. PostgREST makes one for each request, also for a
-- GraphQL one that holds hundreds of mutations, so a bound on statements would not be one. And the
-- first row too many is refused before it is written: a trigger on the whole statement would come
-- after thousands of rows and their broadcasts.
create or replace function public.add_few_rows()
returns trigger
language plpgsql set search_path = ''
as $$
declare
  counter text := 'rows_added.' || tg_table_name;
  added int := coalesce(nullif(current_setting(counter, true), '')::int, 0) + 1;
begin
  if added > tg_argv[0]::int then
    raise exception using
      -- PostgREST answers PT413 with the status 413, Content Too Large.
      errcode = 'PT413',
      message = format('A request adds at most %s rows to %s.', tg_argv[0], tg_table_name),
      hint = 'Send the rows in several requests, or from a server with the secret key.';
  end if;
  perform set_config(counter, added::text, true);
  return new;
end
$$;

-- Only triggers call it.
revoke all on function public.add_few_rows()
  from public, anon, authenticated, service_role;

-- Column grants say that nobody chooses the id or the time of a click. They can be undone (the
-- local stack's REST server gives the API roles every right on every table); this holds all the same.
create or replace function public.stamp_url_click()
returns trigger
-- The id's sequence is the owner's alone.
language plpgsql security definer set search_path = ''
as $$
begin
  -- Always another id: one that was chosen cannot be told from one that was not.
  new.id := coalesce(nextval(pg_get_serial_sequence('public.url_clicks', 'id')), new.id);
  new.clicked_at := now();
  return new;
end
$$;

revoke all on function public.stamp_url_click()
  from public, anon, authenticated, service_role;

do $$
begin
  -- Where these migrations opened the table to everybody, whatever columns it was given since, and where
  -- the role may make triggers on it.
  if not exists (
    select from pg_class
    where oid = 'public.url_clicks'::regclass and pg_has_role(relowner, 'usage')
  ) or not exists (
    select from pg_policies
    where schemaname = 'public' and tablename = 'url_clicks'
      and policyname = 'anybody adds clicks of existing links'
  ) or (
    select count(*) from pg_attribute
    where attrelid = 'public.url_clicks'::regclass
      and attname in ('id', 'clicked_at') and not attisdropped
  ) < 2 then
    raise notice 'public.url_clicks is not the table of these migrations: how many rows a request may add, and who sets their times, is left to its owner.';
    return;
  end if;

  -- A visit is one row; ten let a page send what it gathered while it was offline.
  -- Asked is the role that the request took on: open_short_link() inserts as its owner, and of many
  -- calls in one request it records as many clicks, and opens the link in all.
  create or replace trigger add_few_rows
    before insert on public.url_clicks
    for each row when (current_setting('role') not in ('none', 'postgres', 'service_role'))
    execute function public.add_few_rows(10);

  -- For whoever has to obey the policies, and for the server's key. The owner may add old clicks.
  create or replace trigger stamp_url_click
    before insert on public.url_clicks
    for each row
    when (row_security_active('public.url_clicks'::regclass) or current_user = 'service_role')
    execute function public.stamp_url_click();
end
$$;
